"""Bootstrap intervals: how much a metric varies with the sample of rows.

Percentile bootstrap over rows (Efron & Tibshirani 1993, chapter 13); with few wrong, correct or differing rows the
method of `edge`. A resample is a vector of row weights whose sum is the number of rows; metrics computed from sums take
all resamples in a few matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from insula.core.arrays import BoolArray, Float64Array, Int64Array
from insula.evaluation.metrics import counts, edge, regression
from insula.evaluation.metrics.checked_arrays import as_indicators, as_matrix
from insula.evaluation.result import Difference, Interval

SumsToMetrics = Callable[[Float64Array], Mapping[str, Float64Array]]
_CHUNK = 2_000_000  # weights in memory at once: 16 MB


def count_intervals(
    gold: Any, decisions: Any, *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Return every count metric of `decisions` with its interval."""
    truth = as_indicators("gold", gold)
    distinct, repeats = _find_distinct_rows([truth, as_indicators("decisions", decisions, *truth.shape[::-1])])
    table = counts.compute_contributions(*distinct)
    wrong = int(repeats @ (distinct[0] != distinct[1]).any(axis=1))
    if min(wrong, int(repeats.sum()) - wrong) >= edge.EDGE_ROWS:
        return _compute_intervals(table, repeats, counts.from_sums, resamples, seed, level)
    added = edge.build_added_row(distinct[0], distinct[1:])
    low, high = (
        counts.from_sums(
            edge.draw_bayesian_sums(table, repeats, edge.compute_added_contributions(added, [one]), resamples, seed)
        )
        for one in (added.wrong, added.correct)
    )
    observed, rows = counts.from_sums(repeats @ table), int(repeats.sum())
    return {name: _build_interval(float(observed[name]), (low[name], high[name]), rows, level) for name in observed}


def compute_moment_intervals(
    gold: Any, scores: Any, *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Interval]:
    """Return the regression metrics of `scores` with their intervals."""
    truth = as_matrix("gold", gold)
    table = regression.compute_moments(truth, as_matrix("scores", scores, *truth.shape[::-1]))
    return _compute_intervals(table, np.ones(len(truth), dtype=np.int64), regression.from_sums, resamples, seed, level)


def count_differences(
    gold: BoolArray,
    a: Sequence[BoolArray],
    b: Sequence[BoolArray],
    *,
    by_label: Sequence[str] = (),
    edge_rows: int = edge.EDGE_ROWS,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Difference]:
    """Return the paired differences of all count metrics, systems `b` minus systems `a`, with their intervals.

    gold, and each of a and b   (rows, labels)
    by_label                    names under which the F1 of each label is returned, too; in the order of the labels
    edge_rows                   with fewer differing rows the method of `edge` is used; 0 always resamples
    """
    distinct, repeats = _find_distinct_rows([gold, *a, *b])
    systems = distinct[1:]
    tables = [counts.compute_contributions(distinct[0], system) for system in systems]

    def to_metrics(sums: Float64Array) -> Mapping[str, Float64Array]:
        return {
            **counts.from_sums(sums),
            **dict(zip(by_label, np.moveaxis(counts.compute_label_f1(sums), -1, 0), strict=False)),
        }

    found = _compute_differences(tables, len(a), repeats, to_metrics, resamples, seed)
    differs = np.mean(systems[: len(a)], axis=0) != np.mean(systems[len(a) :], axis=0)
    if repeats @ differs.any(axis=1) < edge_rows:
        added = edge.build_added_row(distinct[0], systems)
        ends = _draw_edge_differences(tables, len(a), repeats, added, counts.from_sums, resamples, seed)
        found |= {name: _replace_interval(found[name], ends[name], int(repeats.sum())) for name in ends}
    few = [name for name, rows in zip(by_label, repeats @ differs, strict=False) if rows < edge_rows]
    if few:
        # A row that one side misses, for every label by itself: F1 depends on the columns of its label alone.
        every = np.ones((1, gold.shape[1]), dtype=bool)
        ends = _draw_edge_differences(
            tables, len(a), repeats, edge.AddedRow(every, every, ~every), to_metrics, resamples, seed
        )
        found |= {name: _replace_interval(found[name], ends[name], int(repeats.sum())) for name in few}
    return found


def compute_moment_differences(
    gold: Float64Array,
    a: Sequence[Float64Array],
    b: Sequence[Float64Array],
    to_metrics: SumsToMetrics,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Difference]:
    """Return the same for (rows, dimensions) scores; `to_metrics` takes sums of `regression.compute_moments`."""
    tables = [regression.compute_moments(gold, system) for system in (*a, *b)]
    return _compute_differences(tables, len(a), np.ones(len(gold), dtype=np.int64), to_metrics, resamples, seed)


def draw_resampled_sums(contributions: Float64Array, repeats: Int64Array, resamples: int, seed: int) -> Float64Array:
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


def _compute_intervals(
    table: Float64Array, repeats: Int64Array, to_metrics: SumsToMetrics, resamples: int, seed: int, level: float
) -> dict[str, Interval]:
    resampled, observed = to_metrics(draw_resampled_sums(table, repeats, resamples, seed)), to_metrics(repeats @ table)
    rows = int(repeats.sum())
    return {
        name: _build_interval(float(observed[name]), (resampled[name], resampled[name]), rows, level)
        for name in observed
    }


def _compute_differences(
    tables: list[Float64Array], first: int, repeats: Int64Array, to_metrics: SumsToMetrics, resamples: int, seed: int
) -> dict[str, Difference]:
    """Return the differences between the mean of the tables from `first` on and the mean of the tables before."""
    both, width = np.hstack(tables), tables[0].shape[1]
    drawn_a, drawn_b = _average_sides(draw_resampled_sums(both, repeats, resamples, seed), width, first, to_metrics)
    seen_a, seen_b = _average_sides(repeats @ both, width, first, to_metrics)
    rows = int(repeats.sum())

    def build_interval(name: str) -> Interval:
        draws = drawn_b[name] - drawn_a[name]
        return _build_interval(float(seen_b[name] - seen_a[name]), (draws, draws), rows)

    return {
        name: Difference(_to_number(seen_a[name]), _to_number(seen_b[name]), build_interval(name)) for name in seen_a
    }


def _draw_edge_differences(
    tables: list[Float64Array],
    first: int,
    repeats: Int64Array,
    added: edge.AddedRow,
    to_metrics: SumsToMetrics,
    resamples: int,
    seed: int,
) -> dict[str, tuple[Float64Array, Float64Array]]:
    """Return draws of each difference with a row more that only `a` predicts correctly, and that only `b` does."""
    both, width = np.hstack(tables), tables[0].shape[1]
    ends = []
    for side_a, side_b in ((added.correct, added.wrong), (added.wrong, added.correct)):
        more = edge.compute_added_contributions(added, [side_a] * first + [side_b] * (len(tables) - first))
        drawn_a, drawn_b = _average_sides(
            edge.draw_bayesian_sums(both, repeats, more, resamples, seed), width, first, to_metrics
        )
        ends.append({name: drawn_b[name] - drawn_a[name] for name in drawn_a})
    return {name: (ends[0][name], ends[1][name]) for name in ends[0]}


def _replace_interval(found: Difference, draws: tuple[Float64Array, Float64Array], rows: int) -> Difference:
    """Return the difference with the interval of other draws."""
    value = found.difference.value
    return found if value is None else Difference(found.a, found.b, _build_interval(value, draws, rows))


def _average_sides(
    sums: Float64Array, width: int, first: int, to_metrics: SumsToMetrics
) -> tuple[dict[str, Float64Array], dict[str, Float64Array]]:
    """Return the mean metrics of the systems before `first` and from it on; each has `width` columns of the sums."""
    each = [to_metrics(sums[..., start : start + width]) for start in range(0, sums.shape[-1], width)]
    return _average(each[:first]), _average(each[first:])


def _average(systems: Sequence[Mapping[str, Float64Array]]) -> dict[str, Float64Array]:
    return {name: np.mean([system[name] for system in systems], axis=0) for name in systems[0]}


def _build_interval(value: float, draws: tuple[Float64Array, Float64Array], rows: int, level: float = 0.95) -> Interval:
    """Return a value with the quantiles of the draws of its lower and of its upper end."""
    if not np.isfinite(value):
        return Interval(None)
    known = [end[np.isfinite(end)] for end in draws]
    if rows < 2 or min(end.size for end in known) < 2:
        return Interval(value)
    low, high = np.quantile(known[0], (1 - level) / 2), np.quantile(known[1], (1 + level) / 2)
    return Interval(value, float(low), float(high))


def _find_distinct_rows(matrices: list[BoolArray]) -> tuple[list[BoolArray], Int64Array]:
    """Return the distinct rows of the matrices side by side, and how often each occurs."""
    packed = np.packbits(np.hstack(matrices), axis=1)
    _, first, repeats = np.unique(packed, axis=0, return_index=True, return_counts=True)
    return [matrix[first] for matrix in matrices], repeats.astype(np.int64)


def _to_number(value: Float64Array) -> float | None:
    return float(value) if np.isfinite(value) else None
