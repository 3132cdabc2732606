"""Metrics of categorical schemes, overall and per label.

Undefined cases: AUROC needs a positive and a negative row, average precision a positive one, kappa more than one class
in gold or decisions. Elsewhere they are None, and averages leave those labels out. The Matthews correlation of a
constant is 0. `counts` states the rules for accuracy, precision, recall and F1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics as sk

from insula.core.arrays import BoolArray, Float64Array
from insula.core.scheme import Kind
from insula.evaluation.metrics.checked_arrays import average_finite, find_class_index
from insula.evaluation.metrics.intervals import count_intervals
from insula.evaluation.metrics.reliability import compute_reliability_metrics
from insula.evaluation.result import Confusion, Interval, LabelMetrics


def compute_categorical_metrics(
    kind: Kind, gold: BoolArray, scores: Float64Array, decisions: BoolArray, *, resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Return all metrics of a kind of scheme; those computed from counts with a 95% bootstrap interval."""
    counted = count_intervals(gold, decisions, resamples=resamples, seed=seed)
    if kind == "multi":
        # It would equal macro_recall; the term is used for exclusive classes.
        counted.pop("balanced_accuracy")
        others = _compute_set_metrics(gold, decisions)
    else:
        others = _compute_class_metrics(kind, gold, decisions)
    ranked = {
        "macro_auroc": average_finite(compute_auroc(gold, scores)),
        "macro_average_precision": average_finite(average_precision(gold, scores)),
    }
    without_interval = {**others, **ranked, **compute_reliability_metrics(kind, gold, scores)}
    return {**counted, **{name: Interval(value) for name, value in without_interval.items()}}


def compute_metrics_per_label(
    names: Sequence[str],
    gold: BoolArray,
    scores: Float64Array,
    decisions: BoolArray,
    thresholds: Float64Array | None = None,
) -> list[LabelMetrics]:
    """Return the metrics of each label; precision, recall and F1 are None for a label in neither gold nor decisions."""
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        gold.astype(int), decisions.astype(int), average=None, zero_division=0.0, labels=range(len(names))
    )
    support, predicted = gold.sum(axis=0), decisions.sum(axis=0)
    areas, precisions = compute_auroc(gold, scores), average_precision(gold, scores)
    squared = ((scores - gold) ** 2).mean(axis=0)
    rows = []
    for i, name in enumerate(names):
        known = bool(support[i] or predicted[i])
        rows.append(
            LabelMetrics(
                label=name,
                precision=float(precision[i]) if known else None,
                recall=float(recall[i]) if known else None,
                f1=float(f1[i]) if known else None,
                support=int(support[i]),
                predicted=int(predicted[i]),
                auroc=areas[i],
                average_precision=precisions[i],
                brier=float(squared[i]),
                threshold=None if thresholds is None else float(thresholds[i]),
            )
        )
    return rows


def count_confusion(names: Sequence[str], gold: BoolArray, decisions: BoolArray) -> Confusion:
    """Return counts of gold class (rows) by decided class (columns)."""
    return Confusion(labels=list(names), counts=(gold.astype(np.int64).T @ decisions.astype(np.int64)).tolist())


def compute_auroc(gold: BoolArray, scores: Float64Array) -> list[float | None]:
    """Return the area under the ROC curve of each label against the rest; None without both classes."""
    return [
        float(sk.roc_auc_score(truth, score)) if truth.any() and not truth.all() else None
        for truth, score in zip(gold.T, scores.T, strict=True)
    ]


def average_precision(gold: BoolArray, scores: Float64Array) -> list[float | None]:
    """Return the average precision of each label; None without a positive row."""
    return [
        float(sk.average_precision_score(truth, score)) if truth.any() else None
        for truth, score in zip(gold.T, scores.T, strict=True)
    ]


def _compute_set_metrics(gold: BoolArray, decisions: BoolArray) -> Mapping[str, float | None]:
    """The Jaccard index of two empty sets is 1: predicting no label where there is none is correct."""
    truth, decided = gold.astype(int), decisions.astype(int)
    return {
        "jaccard": float(sk.jaccard_score(truth, decided, average="samples", zero_division=1.0)),
        "hamming_loss": float((gold != decisions).mean()),
    }


def _compute_class_metrics(kind: Kind, gold: BoolArray, decisions: BoolArray) -> Mapping[str, float | None]:
    truth, decided = find_class_index(gold), find_class_index(decisions)
    values = {"mcc": _compute_matthews(truth, decided), "kappa": _compute_kappa(truth, decided, None)}
    if kind == "ordinal":
        values["quadratic_kappa"] = _compute_kappa(truth, decided, "quadratic")
        values["class_mae"] = float(np.abs(truth - decided).mean())
    return values


def _compute_matthews(truth: Any, decided: Any) -> float:
    if len(np.unique(truth)) == 1 or len(np.unique(decided)) == 1:
        return 0.0
    return float(sk.matthews_corrcoef(truth, decided))


def _compute_kappa(truth: Any, decided: Any, weights: str | None) -> float | None:
    classes = np.union1d(truth, decided)
    if len(classes) == 1:
        return None
    # Classes without rows are listed too, since quadratic weights depend on the distance between positions.
    return float(sk.cohen_kappa_score(truth, decided, labels=range(classes.max() + 1), weights=weights))
