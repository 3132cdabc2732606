"""Paired differences between cells on the same test rows: the mean over seeds with a bootstrap interval over rows."""

from __future__ import annotations

from collections.abc import Sequence

from decisions import Answers, same_rows
from insula.core.errors import DataError
from insula.core.scheme import Kind
from insula.evaluation.metrics import regression
from insula.evaluation.metrics.intervals import compute_moment_differences, count_differences
from insula.evaluation.result import Interval


def mean_difference(kind: Kind, off: Sequence[Answers], on: Sequence[Answers], metric: str) -> Interval:
    """Return the mean over seeds of metric(on) - metric(off), with the 95 % interval over resampled rows.

    off, on   one answer a seed, each side averaged; every resample takes the same rows for all of them

    The interval shows what other test rows could give; how far seeds differ is shown by their own differences.
    Raises `DataError` where the cells did not answer the same rows.
    """
    if not off or not on or not same_rows(*off, *on):
        raise DataError("The cells of a difference must answer the same rows. Measure them anew on the same data.")
    gold = off[0].gold
    if kind == "dimensional":
        found = compute_moment_differences(gold, [c.scores for c in off], [c.scores for c in on], regression.from_sums)
    else:
        found = count_differences(gold > 0.5, [c.chosen for c in off], [c.chosen for c in on])
    return found[metric].difference
