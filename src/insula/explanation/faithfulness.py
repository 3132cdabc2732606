"""Faithfulness of weights to the model: completeness, comprehensiveness, sufficiency, agreement."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.explanation.explanation import Faithfulness
from insula.explanation.masked_predictor import MaskedPredictor

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)  # of the words, the highest weights first


def measure_faithfulness(
    masked: MaskedPredictor, weights: Float64Array, column: int, other: Float64Array | None
) -> Faithfulness:
    """Return the figures for one label.

    weights  (words,) for the label
    column   the label's place in the scheme
    other    (words,) weights of a second method
    """
    return Faithfulness(
        completeness_error=measure_completeness_error(masked, weights, column),
        comprehensiveness=measure_comprehensiveness(masked, weights, column),
        sufficiency=measure_sufficiency(masked, weights, column),
        agreement=None if other is None else compute_rank_correlation(weights, other),
    )


def measure_completeness_error(masked: MaskedPredictor, weights: Float64Array, column: int) -> float:
    """Return the difference between the sum of the weights and the evidence gained from no words to the whole text."""
    nothing = np.zeros((1, len(masked)), dtype=bool)
    ends = masked.evidence(np.concatenate([masked.keep_all(), nothing]))[:, column]
    return abs(float(weights.sum() - (ends[0] - ends[1])))


def measure_comprehensiveness(masked: MaskedPredictor, weights: Float64Array, column: int) -> float:
    """Return the mean fall of the score without the words of the highest weights."""
    return _measure_mean_fall(masked, ~_select_top(weights), column)


def measure_sufficiency(masked: MaskedPredictor, weights: Float64Array, column: int) -> float:
    """Return the mean fall of the score with nothing but the words of the highest weights."""
    return _measure_mean_fall(masked, _select_top(weights), column)


def compute_rank_correlation(one: Float64Array, other: Float64Array) -> float | None:
    """Return Spearman's correlation; None with fewer than three words or without any variation."""
    if len(one) < 3:
        return None
    ranks = [_rank(values) for values in (one, other)]
    spread = ranks[0].std() * ranks[1].std()
    if not spread:
        return None
    return float(((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())).mean() / spread)


def _select_top(weights: Float64Array) -> BoolArray:
    """Return (shares, words): the words of the highest weights, at least one."""
    order = np.argsort(-weights, kind="stable")
    places = np.empty(len(weights), dtype=np.int64)
    places[order] = np.arange(len(weights))
    counts = np.maximum(np.round(np.array(SHARES) * len(weights)), 1)
    return places[None, :] < counts[:, None]


def _measure_mean_fall(masked: MaskedPredictor, kept: BoolArray, column: int) -> float:
    whole = masked.scores(masked.keep_all())[0, column]
    fall = whole - masked.scores(kept)[:, column]
    scheme = masked.predictor.scheme
    if not scheme.is_categorical:
        low, high = scheme.ranges[scheme.names[column]]
        fall = fall / (high - low)
    return float(fall.mean())


def _rank(values: Float64Array) -> Float64Array:
    """Return ranks; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Float64Array = (last - (counts - 1) / 2.0)[inverse]
    return ranks
