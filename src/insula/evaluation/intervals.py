"""Bootstrap intervals: how far a figure may move with another sample of rows.

Percentile bootstrap over rows (Efron & Tibshirani 1993, chapter 13). A resample is a vector of row weights that sum to
the number of rows; metrics that follow from column sums take all resamples in a few matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import UnknownNameError, nearest
from insula.evaluation import counts, regression
from insula.evaluation.checked_arrays import Bools, Floats, as_indicators, as_matrix

Statistic = str | Callable[..., float | None]
_CHUNK = 2_000_000  # weights held at once: 16 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its interval; None where undefined (fewer than two rows, or never defined)."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Return plain JSON types."""
        return {"value": self.value, "low": self.low, "high": self.high}


def bootstrap(
    statistic: Statistic, *arrays: Any, resamples: int | None = None, seed: int = 0, level: float = 0.95
) -> Interval:
    """Return `statistic` of the arrays with its percentile interval over resampled rows.

    statistic   a name of `counts.COUNT_METRICS` (arrays: gold, decisions) or of `regression.MOMENT_METRICS` (arrays:
                gold, scores), which are fast; or any callable of the arrays, None where it is undefined
    resamples   default 1,000 for names, 200 for callables
    """
    if isinstance(statistic, str):
        return _table(statistic)(arrays[0], arrays[1], resamples=resamples or 1000, seed=seed, level=level)[statistic]
    rows = [np.asarray(array) for array in arrays]
    draws = [
        _number(statistic(*(array[chosen] for array in rows)))
        for chosen in _row_choices(len(rows[0]), resamples or 200, seed)
    ]
    return _interval(_number(statistic(*rows)), np.asarray(draws), len(rows[0]), level)


def paired_bootstrap(
    statistic: Statistic, gold: Any, a: Any, b: Any, *, resamples: int | None = None, seed: int = 0, level: float = 0.95
) -> Interval:
    """Return statistic(gold, b) - statistic(gold, a) with its interval, both on the same resampled rows."""
    if isinstance(statistic, str):
        return _table(statistic)(gold, a, b, resamples=resamples or 1000, seed=seed, level=level)[statistic]

    def difference(gold: Any, a: Any, b: Any) -> float:
        return _number(statistic(gold, b)) - _number(statistic(gold, a))

    return bootstrap(difference, gold, a, b, resamples=resamples, seed=seed, level=level)


def count_intervals(
    gold: Any, decisions: Any, other: Any = None, *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Return every count metric of `decisions` with its interval; with `other`, of the difference other - decisions."""
    truth = as_indicators("gold", gold)
    systems = [as_indicators("decisions", d, *truth.shape[::-1]) for d in (decisions, other) if d is not None]
    distinct, weights = _distinct_rows([truth, *systems])
    tables = [counts.contributions(distinct[0], system) for system in distinct[1:]]
    return _intervals(tables, weights, counts.from_sums, resamples, seed, level)


def moment_intervals(
    gold: Any, scores: Any, other: Any = None, *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Return the regression metrics of `scores` with intervals; with `other`, of the difference other - scores."""
    truth = as_matrix("gold", gold)
    systems = [as_matrix("scores", s, *truth.shape[::-1]) for s in (scores, other) if s is not None]
    tables = [regression.contributions(truth, system) for system in systems]
    return _intervals(tables, np.ones(len(truth), dtype=np.int64), regression.from_sums, resamples, seed, level)


def resampled_sums(contributions: Floats, repeats: NDArray[np.int64], resamples: int, seed: int) -> Floats:
    """Return the column sums of `resamples` bootstrap samples (resamples, columns).

    contributions  (distinct rows, columns); row i stands for `repeats[i]` rows of the sample
    """
    total, distinct = int(repeats.sum()), len(repeats)
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // total)
    sums = np.empty((resamples, contributions.shape[1]))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        if 2 * distinct <= total:  # drawing counts of the few distinct rows is the same distribution, and cheaper
            weights = generator.multinomial(total, repeats / total, size=size)
        else:
            owner = np.repeat(np.arange(distinct), repeats)
            drawn = owner[generator.integers(0, total, size=(size, total))] + distinct * np.arange(size)[:, None]
            weights = np.bincount(drawn.ravel(), minlength=size * distinct).reshape(size, distinct)
        sums[start : start + size] = weights.astype(np.float64) @ contributions
    return sums


def _intervals(
    tables: list[Floats],
    repeats: NDArray[np.int64],
    finish: Callable[[Floats], Mapping[str, Floats]],
    resamples: int,
    seed: int,
    level: float,
) -> dict[str, Interval]:
    width = tables[0].shape[1]
    both = np.hstack(tables)
    draws, point = resampled_sums(both, repeats, resamples, seed), repeats @ both

    def values(sums: Floats) -> Mapping[str, Floats]:
        first = finish(sums[..., :width])
        if len(tables) == 1:
            return first
        second = finish(sums[..., width:])
        return {name: second[name] - first[name] for name in first}

    resampled, observed = values(draws), values(point)
    rows = int(repeats.sum())
    return {name: _interval(float(observed[name]), resampled[name], rows, level) for name in observed}


def _interval(value: float, draws: Floats, rows: int, level: float) -> Interval:
    if not np.isfinite(value):
        return Interval(None)
    known = draws[np.isfinite(draws)]
    if rows < 2 or known.size < 2:
        return Interval(value)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def _distinct_rows(matrices: list[Bools]) -> tuple[list[Bools], NDArray[np.int64]]:
    """Return the rows that differ in any of the matrices, and how often each stands there."""
    packed = np.packbits(np.hstack(matrices), axis=1)
    _, first, repeats = np.unique(packed, axis=0, return_index=True, return_counts=True)
    return [matrix[first] for matrix in matrices], repeats.astype(np.int64)


def _row_choices(rows: int, resamples: int, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    return (generator.integers(0, rows, size=rows) for _ in range(resamples))


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _table(name: str) -> Callable[..., dict[str, Interval]]:
    if name in counts.COUNT_METRICS:
        return count_intervals
    if name in regression.MOMENT_METRICS:
        return moment_intervals
    known = (*counts.COUNT_METRICS, *regression.MOMENT_METRICS)
    raise UnknownNameError(
        f"The statistic {name!r} is not known; known are: {', '.join(known)}.{nearest(name, known)} "
        "Pass a function for any other."
    )
