"""Paired differences between cells on the same test rows: the mean over seeds with a bootstrap interval over rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from decisions import Answers, same_rows
from insula.core.errors import DataError
from insula.core.scheme import Kind
from insula.evaluation import counts, regression
from insula.evaluation.intervals import Interval, resampled_sums


def mean_difference(
    kind: Kind, off: Sequence[Answers], on: Sequence[Answers], metric: str, *, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Return the mean over seeds of metric(on) - metric(off), with the 95 % interval over resampled rows.

    off, on   one answer a seed, in the same order; every resample takes the same rows for all of them

    The interval shows what other test rows could give; how far seeds differ is shown by their own differences.
    Raises `DataError` where the cells did not answer the same rows.
    """
    if len(off) != len(on) or not off or not same_rows(*off, *on):
        raise DataError("The cells of a difference must answer the same rows, as many off as on. Measure them anew.")
    table = regression if kind == "dimensional" else counts
    parts = [_contributions(kind, cell) for cell in (*off, *on)]
    width = parts[0].shape[1]
    both = np.hstack(parts)
    draws = resampled_sums(both, np.ones(len(both), dtype=np.int64), resamples, seed)

    def difference(sums: np.ndarray) -> np.ndarray:
        values = [table.from_sums(sums[..., start : start + width])[metric] for start in range(0, both.shape[1], width)]
        return np.mean(values[len(off) :], axis=0) - np.mean(values[: len(off)], axis=0)

    resampled = difference(draws)
    low, high = np.quantile(resampled[np.isfinite(resampled)], [0.025, 0.975])
    return Interval(float(difference(both.sum(axis=0))), float(low), float(high))


def _contributions(kind: Kind, cell: Answers) -> np.ndarray:
    if kind == "dimensional":
        return regression.contributions(cell.gold, cell.scores)
    return counts.contributions(cell.gold > 0.5, cell.chosen)
