"""Offsets on the log scores of single-label models, for macro-F1: rare classes may win before they are most likely."""

from __future__ import annotations

from typing import Any

import numpy as np

from insula.evaluation.checked_arrays import Floats, Ints, as_indicators, as_matrix, class_index

FOLDS = 5
SWEEPS = 3
LARGEST = 2.0  # a factor of 7 on a score
_STEPS = np.linspace(-LARGEST, LARGEST, 41)
_SMALLEST_SCORE = 1e-12


def choose_offsets(gold: Any, scores: Any, *, seed: int = 0) -> Floats:
    """Return one offset a label (labels,), to be added to its log score before the highest is taken.

    gold, scores   (rows, labels) of validation rows: one-hot and probabilities

    Coordinate ascent on macro-F1 within each of five folds, averaged; all zero where, on the rows held out of each
    fold, the offsets are no better than none.
    """
    truth = as_indicators("gold", gold, one_hot=True)
    logs = np.log(np.maximum(as_matrix("scores", scores, truth.shape[1], len(truth)), _SMALLEST_SCORE))
    classes, labels = class_index(truth), truth.shape[1]
    nothing = np.zeros(labels)
    if len(classes) < 2 * FOLDS:
        return nothing
    folds = np.random.default_rng(seed).permutation(len(classes)) % FOLDS
    found = [_ascend(classes[folds != number], logs[folds != number]) for number in range(FOLDS)]
    held_out = (logs + np.stack(found)[folds]).argmax(axis=1)
    better = _macro_f1(classes, held_out, labels) > _macro_f1(classes, logs.argmax(axis=1), labels)
    mean: Floats = np.mean(found, axis=0)
    return mean if better else nothing


def _ascend(classes: Ints, logs: Floats) -> Floats:
    labels = logs.shape[1]
    offsets = np.zeros(labels)
    best = _macro_f1(classes, logs.argmax(axis=1), labels)
    for _ in range(SWEEPS):
        before = best
        for label in range(labels):
            moved = logs + offsets
            moved[:, label] = -np.inf
            rival, height = moved.argmax(axis=1), moved.max(axis=1)
            for step in _STEPS:
                decided = np.where(logs[:, label] + step > height, label, rival)
                if (reached := _macro_f1(classes, decided, labels)) > best:
                    best, offsets[label] = reached, step
        if best == before:
            break
    centred: Floats = offsets - offsets.mean()
    return centred


def _macro_f1(classes: Ints, decided: Ints, labels: int) -> float:
    hits = np.bincount(classes[classes == decided], minlength=labels)
    both = np.bincount(classes, minlength=labels) + np.bincount(decided, minlength=labels)
    return float((2 * hits[both > 0] / both[both > 0]).mean())
