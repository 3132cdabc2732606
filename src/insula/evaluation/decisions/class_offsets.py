"""Offsets on the log scores of single-label models: for macro-F1, rare classes are predicted before they are likeliest.

One strength for all classes: how much of the class frequencies is removed from the scores (Menon et al. 2021, Long-tail
learning via logit adjustment). Free offsets for each class would overfit the validation rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from insula.core.arrays import Float64Array, Int64Array
from insula.evaluation.decisions.held_out import improves_macro_f1
from insula.evaluation.metrics.checked_arrays import as_indicators, as_matrix, find_class_index

FOLDS = 5
STRENGTHS = np.linspace(0.0, 1.5, 16)
"""At 0 the likeliest class is predicted; at 1 the class that would be likeliest if all were equally frequent."""
_MIN_SCORE = 1e-12


def choose_offsets(gold: Any, scores: Any, *, seed: int = 0) -> Float64Array:
    """Return (labels,) offsets that are added to the log scores before the highest is taken.

    gold, scores   (rows, labels) of validation rows: one-hot and probabilities

    The offset of a class is minus the strength times the logarithm of its share. The strength is the one of the highest
    macro-F1 within each of five folds, averaged; all offsets are zero unless their gain on the rows
    held out of each fold is more than luck (`held_out`).
    """
    truth = as_indicators("gold", gold, one_hot=True)
    logs = np.log(np.maximum(as_matrix("scores", scores, truth.shape[1], len(truth)), _MIN_SCORE))
    classes, labels = find_class_index(truth), truth.shape[1]
    if len(classes) < 2 * FOLDS:
        return np.zeros(labels)
    folds = np.random.default_rng(seed).permutation(len(classes)) % FOLDS
    rarity = _compute_rarity(classes, labels)
    found = np.array([_choose_strength(classes[folds != one], logs[folds != one], rarity) for one in range(FOLDS)])
    one_hot = np.eye(labels, dtype=bool)
    plain, decided = (one_hot[each.argmax(axis=1)] for each in (logs, logs + found[folds][:, None] * rarity))
    if not improves_macro_f1(truth, plain, [decided], seed=seed):
        return np.zeros(labels)
    offsets: Float64Array = found.mean() * rarity
    return offsets


def _compute_rarity(classes: Int64Array, labels: int) -> Float64Array:
    """Return minus the log share of each class, centred on 0; a class without rows counts as one row."""
    logs = -np.log(np.maximum(np.bincount(classes, minlength=labels), 1) / len(classes))
    rarity: Float64Array = logs - logs.mean()
    return rarity


def _choose_strength(classes: Int64Array, logs: Float64Array, rarity: Float64Array) -> float:
    scores = [_compute_macro_f1(classes, (logs + one * rarity).argmax(axis=1), len(rarity)) for one in STRENGTHS]
    return float(STRENGTHS[int(np.argmax(scores))])


def _compute_macro_f1(classes: Int64Array, decided: Int64Array, labels: int) -> float:
    hits = np.bincount(classes[classes == decided], minlength=labels)
    both = np.bincount(classes, minlength=labels) + np.bincount(decided, minlength=labels)
    return float((2 * hits[both > 0] / both[both > 0]).mean())
