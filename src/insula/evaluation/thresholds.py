"""Per-label thresholds of multi-label models: from which score on a label is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from insula.core.errors import DataError
from insula.evaluation.checked_arrays import Bools, Floats, as_indicators, as_matrix
from insula.evaluation.counts import ratio

_CANDIDATES = 512  # cuts tried for the pooled threshold


def choose_thresholds(gold: Any, scores: Any, *, shrinkage: float = 20.0) -> Floats:
    """Return one threshold a label (labels,) in [0, 1] for `scores >= threshold`, chosen to maximise F1.

    gold, scores   (rows, labels) of validation rows: 0/1 and probabilities
    shrinkage      k >= 0 below: how many positive rows make a label's own cut count half

    A label's own best cut overfits where it has few positive rows, so it is drawn towards the pooled threshold, the
    one value that maximises macro F1 over all labels:

        threshold = w * own + (1 - w) * pooled,   w = positives / (positives + k)

    A label without positive rows gets the pooled threshold; without any positive row at all that is 0.5. Cuts lie half
    way between neighbouring scores, so that small numeric differences at prediction time do not flip decisions.
    """
    truth = as_indicators("gold", gold)
    values = as_matrix("scores", scores, truth.shape[1], len(truth))
    if shrinkage < 0:
        raise DataError(f"The shrinkage must be 0 or more. Got {shrinkage}.")
    positives = truth.sum(axis=0)
    if not positives.any():
        return np.full(truth.shape[1], 0.5)
    pooled = _pooled_threshold(truth, values)
    own = np.where(positives > 0, _own_thresholds(truth, values), pooled)
    weight = ratio(positives, positives + shrinkage, 0.0)
    result: Floats = weight * own + (1 - weight) * pooled
    return result


def midpoint(lower: Floats, upper: Floats) -> Floats:
    """Return a value t with lower < t <= upper, half way where floats allow it."""
    middle = lower + (upper - lower) / 2
    return np.where(middle > lower, middle, upper)


def _own_thresholds(gold: Bools, scores: Floats) -> Floats:
    """Return the cut of each label that maximises its own F1; the highest such cut where several do."""
    rows, labels = scores.shape
    order = np.argsort(-scores, axis=0, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=0)
    hits = np.cumsum(np.take_along_axis(gold, order, axis=0), axis=0)
    f1 = 2 * hits / (np.arange(1, rows + 1)[:, None] + gold.sum(axis=0))
    # A cut behind position i must part two different scores; behind the last stands 0.
    following = np.vstack([ranked[1:], np.zeros((1, labels))])
    f1[:-1][ranked[:-1] == ranked[1:]] = -1
    best = f1.argmax(axis=0)
    columns = np.arange(labels)
    return midpoint(following[best, columns], ranked[best, columns])


def _pooled_threshold(gold: Bools, scores: Floats) -> float:
    """Return the one cut that maximises macro F1; candidates lie just below scores of positive rows."""
    flat = np.unique(np.append(scores, 0.0))
    at_positives = np.unique(np.quantile(scores[gold], np.linspace(0, 1, _CANDIDATES), method="nearest"))
    places = np.searchsorted(flat, at_positives)
    cuts = midpoint(flat[np.maximum(places - 1, 0)], flat[places])
    mean = np.zeros(len(cuts))
    for truth, score in zip(gold.T, scores.T, strict=True):
        if truth.any():
            predicted = len(score) - np.searchsorted(np.sort(score), cuts)
            hits = truth.sum() - np.searchsorted(np.sort(score[truth]), cuts)
            mean += 2 * hits / (predicted + truth.sum())
    return float(cuts[mean.argmax()])
