"""Metrics computed from counts: accuracy, precision, recall and F1, for one sample or for all resamples at once.

Each is a function of sums over rows (hits, predictions and positives of each label). A bootstrap therefore needs no
loop: the sums of all resamples are one matrix product of row weights and `compute_contributions`.

Undefined cases: macro and weighted averages are over the labels in gold or decisions. For these an undefined precision
or recall counts as 0 (scikit-learn's `zero_division=0`). Without any label the value is NaN here, None in results.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from insula.core.arrays import BoolArray, Float64Array

COUNT_METRICS = (
    "accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "weighted_f1", "macro_precision", "macro_recall",
)  # fmt: skip


def compute_contributions(gold: BoolArray, decisions: BoolArray) -> Float64Array:
    """Return the summands of each row (rows, 2 + 3 labels): 1, exact match, hits, predictions, positives."""
    exact = (gold == decisions).all(axis=1, keepdims=True)
    return np.hstack([np.ones_like(exact), exact, gold & decisions, decisions, gold]).astype(np.float64)


def from_sums(sums: Float64Array) -> Mapping[str, Float64Array]:
    """Return every count metric from sums of contributions (..., 2 + 3 labels); NaN where undefined.

    accuracy is the share of rows whose decision equals gold exactly (multi-label: subset accuracy),
    balanced_accuracy the mean recall over the labels in gold.
    """
    rows, exact = sums[..., 0], sums[..., 1]
    hits, predicted, positives = np.split(sums[..., 2:], 3, axis=-1)
    present = (predicted + positives) > 0
    precision, recall = divide(hits, predicted, 0.0), divide(hits, positives, 0.0)
    f1 = divide(2 * hits, predicted + positives, 0.0)
    labels = present.sum(axis=-1)
    return {
        "accuracy": divide(exact, rows),
        "balanced_accuracy": divide(recall.sum(axis=-1), (positives > 0).sum(axis=-1)),
        "macro_f1": divide(f1.sum(axis=-1), labels),
        "micro_f1": divide(2 * hits.sum(axis=-1), (predicted + positives).sum(axis=-1)),
        "weighted_f1": divide((f1 * positives).sum(axis=-1), positives.sum(axis=-1)),
        "macro_precision": divide(precision.sum(axis=-1), labels),
        "macro_recall": divide(recall.sum(axis=-1), labels),
    }


def compute_label_f1(sums: Float64Array) -> Float64Array:
    """Return the F1 of each label (..., labels) from sums of contributions; NaN for a label in neither."""
    hits, predicted, positives = np.split(sums[..., 2:], 3, axis=-1)
    return divide(2 * hits, predicted + positives)


def divide(numerator: Float64Array, denominator: Float64Array, undefined: float = np.nan) -> Float64Array:
    """Return numerator / denominator, `undefined` where the denominator is 0, without warnings."""
    result = np.full(np.shape(numerator), undefined, dtype=np.float64)
    return np.divide(numerator, denominator, out=result, where=np.asarray(denominator) != 0)
