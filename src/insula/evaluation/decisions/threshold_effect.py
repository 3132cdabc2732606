"""The effect of thresholds on macro-F1: at 0.5, as chosen on validation rows, and as chosen on the test rows."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.core.scheme import Kind
from insula.evaluation.decisions.thresholds import choose_thresholds, find_best_binary_cut
from insula.evaluation.metrics.counts import compute_contributions, from_sums
from insula.evaluation.metrics.intervals import count_intervals
from insula.evaluation.result import Interval, MacroF1ByThreshold


def measure_macro_f1_by_threshold(
    kind: Kind, gold: BoolArray, scores: Float64Array, decisions: BoolArray, *, resamples: int = 1000, seed: int = 0
) -> MacroF1ByThreshold | None:
    """Return macro-F1 for three choices of thresholds; None for kinds without thresholds.

    half         all thresholds 0.5
    validation   the decisions of the model, whose thresholds were chosen on validation rows
    test         oracle thresholds, chosen on the rows they are measured on: not a result, but published figures may
                 owe this much to it. It has no interval
    """
    if kind not in ("multi", "binary"):
        return None
    if kind == "binary":
        half = _add_other_class(scores[:, 1] >= 0.5)
        # All cuts and the one above all scores: the best of a sample could be worse than the threshold in use.
        best = scores[:, 1] >= find_best_binary_cut(gold[:, 1], scores[:, 1], candidates=None)
        oracle = max(
            (_add_other_class(best), _add_other_class(best & False)),
            key=lambda decided: _compute_macro_f1(gold, decided),
        )
    else:
        half = scores >= 0.5
        oracle = (scores >= choose_thresholds(gold, scores, shrinkage=0)) & gold.any(axis=0)

    def measure(decided: BoolArray) -> Interval:
        return count_intervals(gold, decided, resamples=resamples, seed=seed)["macro_f1"]

    return MacroF1ByThreshold(half=measure(half), validation=measure(decisions), test=Interval(measure(oracle).value))


def _add_other_class(positive: BoolArray) -> BoolArray:
    return np.stack([~positive, positive], axis=1)


def _compute_macro_f1(gold: BoolArray, decisions: BoolArray) -> float:
    return float(from_sums(compute_contributions(gold, decisions).sum(axis=0))["macro_f1"])
