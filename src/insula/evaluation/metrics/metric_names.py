"""What every metric is called and what it means in one plain phrase."""

from __future__ import annotations

from collections.abc import Mapping

from insula.core.scheme import Kind

# name: (title, what it means). Order is the order of the table.
METRICS: Mapping[str, tuple[str, str]] = {
    "macro_f1": ("macro-F1", "F1 averaged over the labels: a rare emotion counts as much as a common one"),
    "micro_f1": ("micro-F1", "F1 over all decisions together: common labels dominate"),
    "weighted_f1": ("weighted F1", "F1 averaged over the labels, each weighted by its rows"),
    "accuracy": ("accuracy", "share of rows answered right; of several labels, the whole set"),
    "balanced_accuracy": ("balanced accuracy", "recall averaged over the labels"),
    "macro_precision": ("macro precision", "how often an answer is right, averaged over the labels"),
    "macro_recall": ("macro recall", "how many of a label's rows are found, averaged over the labels"),
    "mcc": ("Matthews correlation", "agreement beyond chance; 0 is guessing, 1 is perfect"),
    "kappa": ("Cohen's kappa", "agreement with the annotators beyond chance"),
    "quadratic_kappa": ("quadratic kappa", "agreement beyond chance; far misses on the scale weigh more"),
    "class_mae": ("mean class distance", "steps on the scale between answer and gold; lower is better"),
    "jaccard": ("Jaccard index", "overlap of given and gold label sets"),
    "hamming_loss": ("Hamming loss", "share of wrong yes-or-no decisions; lower is better"),
    "macro_auroc": ("macro AUROC", "chance that a row with the label is scored above one without; 0.5 is guessing"),
    "macro_average_precision": ("macro average precision", "area under the precision-recall curves, averaged"),
    "pearson": ("mean Pearson r", "how well the values follow the annotators' in a straight line; 1 is perfect"),
    "spearman": ("mean Spearman rho", "how well the order of the values follows the annotators'"),
    "ccc": ("mean CCC", "concordance: correlation that also asks for the right level and spread"),
    "mae": ("mean absolute error", "average distance from the annotators' value; lower is better"),
    "rmse": ("root mean squared error", "like the mean absolute error, far misses weigh more; lower is better"),
    "ece": ("calibration error (ECE)", "gap between stated confidence and truth; lower is better"),
    "ece_equal_mass": ("ECE, equal bins", "the calibration error with as many rows in every bin; lower is better"),
    "brier": ("Brier score", "squared error of the probabilities; lower is better"),
    "nll": ("negative log-likelihood", "how surprised the model is by the truth; lower is better"),
}


def headline_metric(kind: Kind) -> str:
    """Return the metric that stands for all: what a model is chosen by in training, and reported with first."""
    return "pearson" if kind == "dimensional" else "macro_f1"


def metric_title(name: str) -> str:
    """Return what a metric is called in running text; its own name with spaces where it is not known here."""
    return METRICS[name][0] if name in METRICS else name.replace("_", " ")


def metric_meaning(name: str) -> str:
    """Return one phrase on what a metric measures; empty where it is not known here."""
    return METRICS[name][1] if name in METRICS else ""


def in_order(names: list[str]) -> list[str]:
    """Return metric names in the order of the table, unknown ones last as they came."""
    known = list(METRICS)
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))
