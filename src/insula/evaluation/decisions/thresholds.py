"""Thresholds of multi-label and binary models: the lowest score at which a label is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from insula.core.arrays import BoolArray, Float64Array, Int64Array
from insula.core.errors import DataError
from insula.evaluation.decisions.held_out import improves_macro_f1
from insula.evaluation.metrics.checked_arrays import as_indicators, as_matrix
from insula.evaluation.metrics.counts import compute_contributions, divide, from_sums

Method = Literal["auto", "shrunk", "expected", "crossfit", "pooled"]
_CANDIDATES = 512  # cuts tried for a threshold that all labels share
FOLDS = 5
REPEATS = 4
STRENGTHS = (0.0, 5.0, 20.0, 80.0, 320.0)  # shrinkages that cross-fitting tries, next to the pooled threshold
_ALL_POOLED = float("inf")


def choose_thresholds(
    gold: Any, scores: Any, *, method: Method = "shrunk", shrinkage: float = 20.0, seed: int = 0
) -> Float64Array:
    """Return (labels,) thresholds in [0, 1] for `scores >= threshold`, chosen to maximise F1.

    gold, scores   (rows, labels) of validation rows: 0/1 and probabilities
    shrinkage      k >= 0 below: with k positive rows the label's own cut has weight 1/2

    The best cut of a label with few positive rows overfits. The methods regularise it:

    auto        shrunk, if its gain over 0.5 on the held-out rows of five folds is more than luck (`held_out`); else 0.5
                for every label
    shrunk      threshold = w * own + (1 - w) * pooled, w = positives / (positives + k), where the pooled threshold is
                the one value that maximises macro-F1
    expected    the cut that maximises the expected F1 if the scores are true probabilities (Ye et al. 2012, ICML;
                Lipton et al. 2014, ECML): gold is not used, so there is little to overfit; needs calibrated scores
    crossfit    shrunk, with the k of the best macro-F1 on held-out rows of 4 times 5 folds (`seed`); thresholds are
                averaged over the folds
    pooled      the pooled threshold for every label

    A label without positive rows gets the pooled threshold (except in `expected`), 0.5 if no label has positive rows.
    Cuts are half way between neighbouring scores, so that rounding at prediction time does not flip decisions.
    """
    truth = as_indicators("gold", gold)
    values = as_matrix("scores", scores, truth.shape[1], len(truth))
    if shrinkage < 0:
        raise DataError(f"The shrinkage must be 0 or more. Got {shrinkage}. Choose 0 for none.")
    if not truth.any():
        return np.full(truth.shape[1], 0.5)
    if method == "auto" and not _is_better_than_half(truth, values, shrinkage, seed):
        return np.full(truth.shape[1], 0.5)
    if method == "expected":
        return _choose_per_label(values, values)
    if method == "crossfit":
        return _choose_cross_fitted(truth, values, seed)
    return _choose_shrunk(truth, values, (_ALL_POOLED if method == "pooled" else shrinkage,))[0]


def choose_binary_threshold(gold: Any, scores: Any, *, seed: int = 0) -> float:
    """Return the threshold on the positive class's score that maximises macro-F1 of both classes.

    gold, scores   (rows,) of validation rows: 0/1 and the positive class's probability

    The mean of the best cuts of 4 times 5 folds; 0.5 unless their gain on the held-out rows is more than luck.
    """
    truth = as_indicators("gold", np.asarray(gold)[:, None])[:, 0]
    values = as_matrix("scores", np.asarray(scores)[:, None], 1, len(truth))[:, 0]
    if len(truth) < FOLDS or truth.all() or not truth.any():
        return 0.5
    cuts, decisions = [], []
    for folds in _split_folds(len(truth), seed):
        decided = np.zeros(len(truth), dtype=bool)
        for number in range(FOLDS):
            out = folds == number
            cuts.append(find_best_binary_cut(truth[~out], values[~out]))
            decided[out] = values[out] >= cuts[-1]
        decisions.append(_add_other_class(decided))
    gains = improves_macro_f1(_add_other_class(truth), _add_other_class(values >= 0.5), decisions, seed=seed)
    return float(np.mean(cuts)) if gains else 0.5


def compute_midpoint(lower: Float64Array, upper: Float64Array) -> Float64Array:
    """Return t with lower < t <= upper, half way where floating point allows it."""
    middle = lower + (upper - lower) / 2
    return np.where(middle > lower, middle, upper)


def _choose_shrunk(gold: BoolArray, scores: Float64Array, strengths: Sequence[float]) -> list[Float64Array]:
    """Return (labels,) thresholds for each shrinkage."""
    positives = gold.sum(axis=0)
    pooled = _choose_pooled(gold, scores)
    own = np.where(positives > 0, _choose_per_label(gold, scores), pooled)
    weights = [divide(positives, positives + strength, 0.0) for strength in strengths]
    return [weight * own + (1 - weight) * pooled for weight in weights]


def _choose_cross_fitted(gold: BoolArray, scores: Float64Array, seed: int) -> Float64Array:
    strengths = (*STRENGTHS, _ALL_POOLED)
    found: list[list[Float64Array]] = []
    totals = np.zeros(len(strengths))
    if len(gold) < FOLDS:
        return _choose_shrunk(gold, scores, (20.0,))[0]
    for folds in _split_folds(len(gold), seed):
        decided = np.zeros((len(strengths), *gold.shape), dtype=bool)
        for number in range(FOLDS):
            out = folds == number
            if not gold[~out].any():
                return _choose_shrunk(gold, scores, (_ALL_POOLED,))[0]
            found.append(_choose_shrunk(gold[~out], scores[~out], strengths))
            for position, thresholds in enumerate(found[-1]):
                decided[position, out] = scores[out] >= thresholds
        totals += [float(from_sums(compute_contributions(gold, each).sum(axis=0))["macro_f1"]) for each in decided]
    best = int(totals.argmax())
    mean: Float64Array = np.mean([thresholds[best] for thresholds in found], axis=0)
    return mean


def _split_folds(rows: int, seed: int) -> list[Int64Array]:
    generator = np.random.default_rng(seed)
    return [generator.permutation(rows) % FOLDS for _ in range(REPEATS)]


def find_best_binary_cut(gold: BoolArray, scores: Float64Array, *, candidates: int | None = _CANDIDATES) -> float:
    """Return the threshold on the positive class's (rows,) scores with the best macro-F1 of both classes on these rows.

    candidates   number of cuts tried, at quantiles of the scores; None tries all
    """
    flat = np.unique(np.append(scores, 0.0))
    tried = scores if candidates is None else np.quantile(scores, np.linspace(0, 1, candidates), method="nearest")
    upper = np.unique(tried)
    places = np.searchsorted(flat, upper)
    cuts = compute_midpoint(flat[np.maximum(places - 1, 0)], flat[places])
    positives = int(gold.sum())
    predicted = len(scores) - np.searchsorted(np.sort(scores), cuts)
    hits = positives - np.searchsorted(np.sort(scores[gold]), cuts)
    missed = positives - hits
    negative_hits = len(scores) - predicted - missed
    f1 = 2 * hits / np.maximum(predicted + positives, 1)
    other = 2 * negative_hits / np.maximum(2 * len(scores) - predicted - positives, 1)
    return float(cuts[(f1 + other).argmax()])


def _add_other_class(positive: BoolArray) -> BoolArray:
    return np.stack([~positive, positive], axis=1)


def _is_better_than_half(gold: BoolArray, scores: Float64Array, shrinkage: float, seed: int) -> bool:
    """Return whether shrunk thresholds are better than 0.5 on the held-out rows of five folds."""
    if len(gold) < FOLDS:
        return False
    folds, decided = _split_folds(len(gold), seed)[0], np.zeros(gold.shape, dtype=bool)
    for number in range(FOLDS):
        out = folds == number
        if gold[~out].any():
            decided[out] = scores[out] >= _choose_shrunk(gold[~out], scores[~out], (shrinkage,))[0]
    return improves_macro_f1(gold, scores >= 0.5, [decided], seed=seed)


def _choose_per_label(gold: BoolArray | Float64Array, scores: Float64Array) -> Float64Array:
    """Return the cut that maximises the F1 of each label; of several the highest.

    gold may be probabilities: F1 is then a ratio of expected counts.
    """
    rows, labels = scores.shape
    order = np.argsort(-scores, axis=0, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=0)
    hits = np.cumsum(np.take_along_axis(gold, order, axis=0), axis=0)
    f1 = 2 * hits / (np.arange(1, rows + 1)[:, None] + gold.sum(axis=0))
    # A cut after position i must separate two different scores; the score after the last is 0.
    following = np.vstack([ranked[1:], np.zeros((1, labels))])
    f1[:-1][ranked[:-1] == ranked[1:]] = -1
    best = f1.argmax(axis=0)
    columns = np.arange(labels)
    return compute_midpoint(following[best, columns], ranked[best, columns])


def _choose_pooled(gold: BoolArray, scores: Float64Array) -> float:
    """Return the single cut that maximises macro-F1; candidates are just below scores of positive rows."""
    flat = np.unique(np.append(scores, 0.0))
    at_positives = np.unique(np.quantile(scores[gold], np.linspace(0, 1, _CANDIDATES), method="nearest"))
    places = np.searchsorted(flat, at_positives)
    cuts = compute_midpoint(flat[np.maximum(places - 1, 0)], flat[places])
    mean = np.zeros(len(cuts))
    for truth, score in zip(gold.T, scores.T, strict=True):
        if truth.any():
            predicted = len(score) - np.searchsorted(np.sort(score), cuts)
            hits = truth.sum() - np.searchsorted(np.sort(score[truth]), cuts)
            mean += 2 * hits / (predicted + truth.sum())
    return float(cuts[mean.argmax()])
