"""Metrics of dimensional schemes, per dimension: MAE, RMSE, Pearson, Spearman and Lin's concordance.

All but Spearman are computed from sums over rows, so that the resamples of a bootstrap are one matrix product.

Undefined cases: correlations with constant gold are None, with constant scores 0; the concordance of two constants is
None. Averages leave out undefined dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from insula.core.arrays import Float64Array
from insula.evaluation.metrics.counts import divide
from insula.evaluation.result import DimensionMetrics

MOMENT_METRICS = ("mae", "rmse", "pearson", "ccc")
# Sums of squares carry about 16 digits: a variance below this share of the second moment is rounding error.
_ROUNDING = 1e-12


def compute_moments(gold: Float64Array, scores: Float64Array) -> Float64Array:
    """Return the summands of each row (rows, 1 + 7 dimensions): moments about a central value."""
    # A value of the data, not the mean: a constant column becomes exactly zero.
    middle = np.sort(gold, axis=0)[len(gold) // 2]
    x, y, error = gold - middle, scores - middle, scores - gold
    return np.hstack([np.ones((len(gold), 1)), x, y, x * x, y * y, x * y, np.abs(error), error * error])


def compute_by_dimension(sums: Float64Array) -> Mapping[str, Float64Array]:
    """Return mae, rmse, pearson and ccc (..., dimensions) from sums of contributions; NaN where undefined.

    ccc = 2 cov(x, y) / (var x + var y + (mean x - mean y)^2), population moments (Lin 1989, Biometrics 45).
    """
    means = sums[..., 1:] / sums[..., :1]
    x, y, xx, yy, xy, absolute, squared = np.split(means, 7, axis=-1)
    variance_x, variance_y = _compute_variance(xx, x), _compute_variance(yy, y)
    constant_x, constant_y = variance_x == 0, variance_y == 0
    covariance = np.where(constant_x | constant_y, 0.0, xy - x * y)
    pearson = np.clip(divide(covariance, np.sqrt(variance_x * variance_y), 0.0), -1, 1)
    return {
        "mae": absolute,
        "rmse": np.sqrt(squared),
        "pearson": np.where(constant_x, np.nan, pearson),
        "ccc": np.where(
            constant_x & constant_y, np.nan, divide(2 * covariance, variance_x + variance_y + (x - y) ** 2, np.nan)
        ),
    }


def from_sums(sums: Float64Array) -> Mapping[str, Float64Array]:
    """Return the metrics, averaged over the dimensions where they are defined."""
    averaged = {}
    for name, values in compute_by_dimension(sums).items():
        known = np.isfinite(values)
        averaged[name] = divide(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))
    return averaged


def compute_metrics_per_dimension(
    names: Sequence[str], gold: Float64Array, scores: Float64Array
) -> list[DimensionMetrics]:
    """Return the metrics of each dimension."""
    values = compute_by_dimension(compute_moments(gold, scores).sum(axis=0))
    rows = []
    for position, name in enumerate(names):
        moments = {metric: _to_number(values[metric][position]) for metric in MOMENT_METRICS}
        ranks = _to_number(compute_spearman(gold[:, position], scores[:, position]))
        rows.append(DimensionMetrics(name=name, spearman=ranks, **moments))
    return rows


def compute_spearman(gold: Float64Array, scores: Float64Array) -> float | None:
    """Return the rank correlation of two vectors; None for constant gold, 0 for constant scores."""
    if (gold == gold[0]).all():
        return None
    if (scores == scores[0]).all():
        return 0.0
    from scipy import stats  # half a second, and most callers of this module need no ranks

    return float(stats.spearmanr(gold, scores).statistic)


def _compute_variance(second: Float64Array, first: Float64Array) -> Float64Array:
    variance = second - first * first
    return np.where(variance <= _ROUNDING * second, 0.0, variance)


def _to_number(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
