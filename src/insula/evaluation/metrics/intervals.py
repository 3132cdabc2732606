"""Bootstrap intervals: how much a metric varies with the sample of rows.

Percentile bootstrap over rows (Efron & Tibshirani 1993, chapter 13). A resample is a vector of row weights whose sum is
the number of rows; metrics computed from sums take all resamples in a few matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from insula.core.arrays import BoolArray, Float64Array, Int64Array
from insula.evaluation.metrics import counts, regression
from insula.evaluation.metrics.checked_arrays import as_indicators, as_matrix
from insula.evaluation.result import Difference, Interval

SumsToMetrics = Callable[[Float64Array], Mapping[str, Float64Array]]
_CHUNK = 2_000_000  # weights in memory at once: 16 MB


def count_intervals(
    gold: Any, decisions: Any, *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Return every count metric of `decisions` with its interval."""
    truth = as_indicators("gold", gold)
    distinct, repeats = _distinct_rows([truth, as_indicators("decisions", decisions, *truth.shape[::-1])])
    return _intervals(counts.contributions(*distinct), repeats, counts.from_sums, resamples, seed, level)


def moment_intervals(
    gold: Any, scores: Any, *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Return the regression metrics of `scores` with their intervals."""
    truth = as_matrix("gold", gold)
    table = regression.contributions(truth, as_matrix("scores", scores, *truth.shape[::-1]))
    return _intervals(table, np.ones(len(truth), dtype=np.int64), regression.from_sums, resamples, seed, level)


def count_differences(
    gold: BoolArray,
    a: Sequence[BoolArray],
    b: Sequence[BoolArray],
    to_metrics: SumsToMetrics,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Difference]:
    """Return the paired differences, systems `b` minus systems `a`, with their intervals.

    gold, and each of a and b   (rows, labels)
    to_metrics                  maps sums of `counts.contributions` to metrics by name, such as `counts.from_sums`
    """
    distinct, repeats = _distinct_rows([gold, *a, *b])
    tables = [counts.contributions(distinct[0], system) for system in distinct[1:]]
    return _differences(tables, len(a), repeats, to_metrics, resamples, seed)


def moment_differences(
    gold: Float64Array,
    a: Sequence[Float64Array],
    b: Sequence[Float64Array],
    to_metrics: SumsToMetrics,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Difference]:
    """Return the same for (rows, dimensions) scores; `to_metrics` takes sums of `regression.contributions`."""
    tables = [regression.contributions(gold, system) for system in (*a, *b)]
    return _differences(tables, len(a), np.ones(len(gold), dtype=np.int64), to_metrics, resamples, seed)


def resampled_sums(contributions: Float64Array, repeats: Int64Array, resamples: int, seed: int) -> Float64Array:
    """Return the column sums of `resamples` bootstrap samples (resamples, columns).

    contributions  (distinct rows, columns); row i occurs `repeats[i]` times in the sample
    """
    total, distinct = int(repeats.sum()), len(repeats)
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // total)
    sums = np.empty((resamples, contributions.shape[1]))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        if 2 * distinct <= total:  # counts of the few distinct rows have the same distribution and are cheaper to draw
            weights = generator.multinomial(total, repeats / total, size=size)
        else:
            row_of_draw = np.repeat(np.arange(distinct), repeats)
            drawn = row_of_draw[generator.integers(0, total, size=(size, total))] + distinct * np.arange(size)[:, None]
            weights = np.bincount(drawn.ravel(), minlength=size * distinct).reshape(size, distinct)
        sums[start : start + size] = weights.astype(np.float64) @ contributions
    return sums


def _intervals(
    table: Float64Array, repeats: Int64Array, to_metrics: SumsToMetrics, resamples: int, seed: int, level: float
) -> dict[str, Interval]:
    resampled, observed = to_metrics(resampled_sums(table, repeats, resamples, seed)), to_metrics(repeats @ table)
    rows = int(repeats.sum())
    return {name: _interval(float(observed[name]), resampled[name], rows, level) for name in observed}


def _differences(
    tables: list[Float64Array], first: int, repeats: Int64Array, to_metrics: SumsToMetrics, resamples: int, seed: int
) -> dict[str, Difference]:
    """Return the differences between the mean of the tables from `first` on and the mean of the tables before."""
    width = tables[0].shape[1]
    both = np.hstack(tables)

    def sides(sums: Float64Array) -> tuple[dict[str, Float64Array], dict[str, Float64Array]]:
        each = [to_metrics(sums[..., start : start + width]) for start in range(0, both.shape[1], width)]
        return _mean(each[:first]), _mean(each[first:])

    drawn_a, drawn_b = sides(resampled_sums(both, repeats, resamples, seed))
    seen_a, seen_b = sides(repeats @ both)
    rows = int(repeats.sum())
    return {
        name: Difference(
            _number(seen_a[name]),
            _number(seen_b[name]),
            _interval(float(seen_b[name] - seen_a[name]), drawn_b[name] - drawn_a[name], rows, 0.95),
        )
        for name in seen_a
    }


def _mean(systems: Sequence[Mapping[str, Float64Array]]) -> dict[str, Float64Array]:
    return {name: np.mean([system[name] for system in systems], axis=0) for name in systems[0]}


def _interval(value: float, draws: Float64Array, rows: int, level: float) -> Interval:
    if not np.isfinite(value):
        return Interval(None)
    known = draws[np.isfinite(draws)]
    if rows < 2 or known.size < 2:
        return Interval(value)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def _distinct_rows(matrices: list[BoolArray]) -> tuple[list[BoolArray], Int64Array]:
    """Return the distinct rows of the matrices side by side, and how often each occurs."""
    packed = np.packbits(np.hstack(matrices), axis=1)
    _, first, repeats = np.unique(packed, axis=0, return_index=True, return_counts=True)
    return [matrix[first] for matrix in matrices], repeats.astype(np.int64)


def _number(value: Float64Array) -> float | None:
    return float(value) if np.isfinite(value) else None
