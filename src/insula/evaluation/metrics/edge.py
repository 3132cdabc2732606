"""Intervals at the edge: almost all rows are correct, or almost none; two systems decide almost the same.

The percentile bootstrap fails there. Without a wrong row every resample is perfect, and the interval of sixty correct
rows would be 1.000 to 1.000. Clopper and Pearson's interval of a proportion (1934, Biometrika 26) holds there: its
lower end is a quantile of the beta distribution with one more wrong row, its upper end with one more correct row. The
Bayesian bootstrap (Rubin 1981, Annals of Statistics 9), which draws the weight of each row from a gamma distribution,
gives exactly these quantiles for accuracy, and carries them over to every metric that is computed from counts. The
added row is shared equally by the labels in gold or decisions. In a difference it is a row that one side predicts
correctly and the other does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from insula.core.arrays import BoolArray, Float64Array, Int64Array
from insula.evaluation.metrics.counts import compute_contributions

EDGE_ROWS = 10
"""With fewer wrong, correct or differing rows than this the percentile bootstrap is not used."""
_CHUNK = 2_000_000  # weights in memory at once: 16 MB


@dataclass(frozen=True)
class AddedRow:
    """One row more, shared by the labels: gold, and a correct and a wrong decision, each (shares, labels)."""

    gold: BoolArray
    correct: BoolArray
    wrong: BoolArray


def build_added_row(gold: BoolArray, systems: Sequence[BoolArray]) -> AddedRow:
    """Return the added row for (rows, labels) gold and decisions.

    With one label per row a wrong decision is another label. Else it misses the label, or predicts it where it is not.
    """
    labels = gold.shape[1]
    present = np.flatnonzero(np.any([matrix.any(axis=0) for matrix in (gold, *systems)], axis=0))
    own = np.eye(labels, dtype=bool)[present if len(present) else [0]]
    if len(own) > 1 and all((matrix.sum(axis=1) == 1).all() for matrix in (gold, *systems)):
        return AddedRow(own, own, np.roll(own, 1, axis=0))
    none = np.zeros_like(own)
    if len(own) == 1:
        return AddedRow(own, own, none)
    return AddedRow(np.vstack([own, none]), np.vstack([own, none]), np.vstack([none, own]))


def draw_bayesian_sums(
    table: Float64Array, repeats: Int64Array, added: Float64Array, resamples: int, seed: int
) -> Float64Array:
    """Return the sums of `resamples` draws of the Bayesian bootstrap with one row more (resamples, columns).

    table   contributions (distinct rows, columns); row i occurs `repeats[i]` times
    added   contributions of the added row (shares, columns); the shares are equal
    """
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // len(repeats))
    sums = np.empty((resamples, table.shape[1]))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = generator.standard_gamma(repeats.astype(np.float64), size=(size, len(repeats))) @ table
        sums[start : start + size] = drawn + generator.standard_gamma(1 / len(added), size=(size, len(added))) @ added
    return sums


def compute_added_contributions(added: AddedRow, decisions: Sequence[BoolArray]) -> Float64Array:
    """Return the contributions of the added row side by side, one block of columns for each system's decisions."""
    return np.hstack([compute_contributions(added.gold, decision) for decision in decisions])
