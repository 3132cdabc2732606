"""Linear calibration of dimensional schemes: a slope and an offset per dimension, if they reduce the error."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.core.decision import Calibration
from insula.evaluation.decisions import held_out
from insula.evaluation.metrics.regression import compute_moments, from_sums

FOLDS = 5
MIN_ROWS = 20


def fit_lines(values: Float64Array, gold: Float64Array, *, seed: int = 0) -> Calibration:
    """Return a line per dimension, `value * slope + offset`, fitted by least squares, or the identity if it is as good.

    values, gold   (rows, dimensions) of validation rows, before clipping to the ranges

    The lines are kept if they lower the squared error on held-out rows of five folds by more than the standard error of
    the difference, without lowering the concordance (CCC): least squares shrinks values towards their mean and would
    undo training for the right spread. With fewer than 20 rows the identity is returned. Slopes are positive, so
    correlations do not change.
    """
    if len(values) < MIN_ROWS:
        return Calibration()
    folds = np.random.default_rng(seed).permutation(len(values)) % FOLDS
    by_line = np.empty_like(values)
    for number in range(FOLDS):
        slope, offset = _solve_lines(values, gold, folds != number)
        by_line[folds == number] = values[folds == number] * slope + offset
    spread = gold.var(axis=0) + 1e-12  # every dimension has the same weight, whatever its scale
    before, after = ((((scores - gold) ** 2) / spread).mean(axis=1) for scores in (values, by_line))
    gain = before - after
    concordance = [float(from_sums(compute_moments(gold, each).sum(axis=0))["ccc"]) for each in (values, by_line)]
    needed = held_out.LOSS_ERRORS * float(gain.std()) / len(gain) ** 0.5
    if not gain.mean() > max(needed, 0.0) or concordance[1] < concordance[0]:
        return Calibration()
    slope, offset = _solve_lines(values, gold, np.ones(len(values), dtype=bool))
    return Calibration("linear", tuple(slope.tolist()), tuple(offset.tolist()))


def _solve_lines(values: Float64Array, gold: Float64Array, rows: BoolArray) -> tuple[Float64Array, Float64Array]:
    """Return slopes and offsets (dimensions,); slope 1 for constant values."""
    x, y = values[rows], gold[rows]
    middle, wanted = x.mean(axis=0), y.mean(axis=0)
    variance = x.var(axis=0)
    covariance = ((x - middle) * (y - wanted)).mean(axis=0)
    slope = np.where(variance > 1e-12, np.maximum(covariance / np.maximum(variance, 1e-12), 0.05), 1.0)
    return slope, wanted - slope * middle
