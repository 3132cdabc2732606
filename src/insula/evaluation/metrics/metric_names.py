"""The title of every metric and a phrase that explains it."""

from __future__ import annotations

from collections.abc import Mapping

from insula.core.scheme import Kind

# name: (title, explanation), in the order of tables
METRICS: Mapping[str, tuple[str, str]] = {
    "macro_f1": ("macro-F1", "F1 averaged over the labels: rare labels count as much as common ones"),
    "micro_f1": ("micro-F1", "F1 of all decisions pooled: common labels dominate"),
    "weighted_f1": ("weighted F1", "F1 averaged over the labels, weighted by their rows"),
    "accuracy": ("accuracy", "share of correct rows; with several labels the whole set must be correct"),
    "balanced_accuracy": ("balanced accuracy", "recall averaged over the labels"),
    "macro_precision": ("macro precision", "share of correct rows among those predicted, averaged over the labels"),
    "macro_recall": ("macro recall", "share of a label's rows that are found, averaged over the labels"),
    "mcc": ("Matthews correlation", "agreement beyond chance; 0 is chance, 1 is perfect"),
    "kappa": ("Cohen's kappa", "agreement with the annotators beyond chance"),
    "quadratic_kappa": ("quadratic kappa", "agreement beyond chance; misses far off on the scale weigh more"),
    "class_mae": ("mean class distance", "steps on the scale between prediction and gold; lower is better"),
    "jaccard": ("Jaccard index", "overlap of predicted and gold label sets"),
    "hamming_loss": ("Hamming loss", "share of wrong yes-or-no decisions; lower is better"),
    "macro_auroc": (
        "macro AUROC",
        "probability that a row with the label scores higher than one without; 0.5 is chance",
    ),
    "macro_average_precision": (
        "macro average precision",
        "area under the precision-recall curve, averaged over the labels",
    ),
    "pearson": ("mean Pearson r", "linear correlation with the annotators' values; 1 is perfect"),
    "spearman": ("mean Spearman rho", "correlation of the ranks with those of the annotators' values; 1 is perfect"),
    "ccc": ("mean CCC", "concordance: correlation that also requires the right mean and spread; 1 is perfect"),
    "mae": ("mean absolute error", "average distance from the annotators' value; lower is better"),
    "rmse": ("root mean squared error", "like the mean absolute error, but large errors weigh more; lower is better"),
    "ece": ("calibration error (ECE)", "gap between confidence and accuracy; lower is better"),
    "ece_equal_mass": ("ECE, equal bins", "calibration error over bins with equally many rows; lower is better"),
    "brier": ("Brier score", "squared error of the probabilities; lower is better"),
    "nll": ("negative log-likelihood", "mean of -log probability of the gold label; lower is better"),
}


def get_headline_metric(kind: Kind) -> str:
    """Return the headline metric of a kind: models are selected by it in training, and reports lead with it."""
    return "pearson" if kind == "dimensional" else "macro_f1"


def get_metric_title(name: str) -> str:
    """Return the title of a metric in running text; for an unknown metric its name with spaces."""
    return METRICS[name][0] if name in METRICS else name.replace("_", " ")


def get_metric_meaning(name: str) -> str:
    """Return a phrase that explains a metric; empty for an unknown one."""
    return METRICS[name][1] if name in METRICS else ""


def sort_metric_names(names: list[str]) -> list[str]:
    """Return metric names in the order of `METRICS`, unknown ones last in their own order."""
    known = list(METRICS)
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))
