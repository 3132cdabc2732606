"""Isotonic calibration: a non-decreasing curve for the log-odds of each label, as smooth as the rows require.

Isotonic regression by pooling adjacent violators (Zadrozny and Elkan 2002, KDD), over bins of equal information rather
than over rows, shrunk towards the shared temperature, and interpolated linearly. Over rows it would be a step function,
which ties scores, and would give rare labels probabilities of 0 (Niculescu-Mizil and Caruana 2005, ICML).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

from insula.core.arrays import Float64Array
from insula.core.decision import Calibration, compute_log_odds
from insula.core.scheme import Kind, uses_softmax

MAX_BINS = 20
# In units of w * p * (1 - p): the least information in a bin, and the weight of the temperature in each bin.
BIN_INFORMATION = 5.0
PRIOR_INFORMATION = 5.0
FAR = 1000.0  # log-odds beyond which a probability is 0 or 1 in floats: the curve continues there with slope 1

Curve = tuple[tuple[float, ...], tuple[float, ...]]


def fit_isotonic(
    logits: Float64Array, gold: Float64Array, weights: Float64Array, kind: Kind, shared: Calibration
) -> Calibration:
    """Return an isotonic calibration on top of a temperature.

    logits, gold   (rows, outputs), gold 0/1; single and ordinal: each label against the rest
    weights        (rows,)
    shared         the temperature; a label with too few rows keeps it unchanged
    """
    scaled = shared.apply(logits, kind)
    odds = compute_log_odds(scaled) if uses_softmax(kind) else scaled
    curves = tuple(_fit_curve(x, y, weights) for x, y in zip(odds.T, gold.T, strict=True))
    return Calibration("isotonic", shared.scale, shared.bias, curves)


def _fit_curve(odds: Float64Array, gold: Float64Array, weights: Float64Array) -> Curve:
    """Return the knots of one label."""
    probability = expit(odds)
    information = weights * probability * (1 - probability)
    bins = min(MAX_BINS, int(information.sum() / BIN_INFORMATION))
    if bins < 2:
        return (-FAR, FAR), (-FAR, FAR)
    order = np.argsort(odds, kind="stable")
    cumulated = np.cumsum(information[order])
    cuts = np.searchsorted(cumulated, cumulated[-1] * np.arange(1, bins) / bins)
    # By value, not by row: equal log-odds stay in one bin.
    bin_of_row = np.searchsorted(np.unique(odds[order][cuts]), odds, side="right")

    def sum_weighted(values: Float64Array) -> Float64Array:
        return np.bincount(bin_of_row, values, minlength=int(bin_of_row.max()) + 1).astype(np.float64)

    rows = sum_weighted(weights)
    filled = rows > 0
    rows = rows[filled]
    expected, positives = sum_weighted(weights * probability)[filled] / rows, sum_weighted(weights * gold)[filled]
    expected = np.clip(expected, 1e-12, 1 - 1e-12)
    prior = PRIOR_INFORMATION / (expected * (1 - expected))
    rates = (positives + prior * expected) / (rows + prior)
    pooled = isotonic_regression(rates, weights=rows + prior)
    first = pooled.blocks[:-1]
    mass = np.add.reduceat(rows, first)
    x = logit(np.clip(np.add.reduceat(rows * expected, first) / mass, 1e-12, 1 - 1e-12))
    y = logit(np.clip(pooled.x[first], 1e-12, 1 - 1e-12))
    x, kept = np.unique(x, return_index=True)
    y = y[kept]
    x = np.concatenate([[-FAR], x, [FAR]])
    y = np.concatenate([[y[0] - (x[1] + FAR)], y, [y[-1] + FAR - x[-2]]])
    return tuple(x.tolist()), tuple(y.tolist())
