"""What the thresholds are worth: macro-F1 at 0.5, as decided, and with thresholds that were allowed to cheat."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.core.scheme import Kind
from insula.evaluation.decisions.thresholds import best_binary_cut, choose_thresholds
from insula.evaluation.metrics.counts import contributions, from_sums
from insula.evaluation.metrics.intervals import count_intervals
from insula.evaluation.result import Interval, MacroF1ByThreshold


def macro_f1_by_threshold(
    kind: Kind, gold: BoolArray, scores: Float64Array, decisions: BoolArray, *, resamples: int = 1000, seed: int = 0
) -> MacroF1ByThreshold | None:
    """Return macro-F1 for three choices of thresholds; None where a kind has no thresholds.

    half         every label from a score of 0.5 on
    validation   the decisions as they were made, by thresholds chosen on validation rows
    test         thresholds chosen on these very rows: not a result, but what a figure in a paper may hide. It has no
                 interval
    """
    if kind not in ("multi", "binary"):
        return None
    if kind == "binary":
        half = _both_classes(scores[:, 1] >= 0.5)
        # Of all cuts, and above all scores: the best of some could be worse than the one it is to be measured against.
        best = scores[:, 1] >= best_binary_cut(gold[:, 1], scores[:, 1], candidates=None)
        cheating = max((_both_classes(best), _both_classes(best & False)), key=lambda decided: _macro_f1(gold, decided))
    else:
        half = scores >= 0.5
        cheating = (scores >= choose_thresholds(gold, scores, shrinkage=0)) & gold.any(axis=0)

    def measured(decided: BoolArray) -> Interval:
        return count_intervals(gold, decided, resamples=resamples, seed=seed)["macro_f1"]

    return MacroF1ByThreshold(
        half=measured(half), validation=measured(decisions), test=Interval(measured(cheating).value)
    )


def _both_classes(positive: BoolArray) -> BoolArray:
    return np.stack([~positive, positive], axis=1)


def _macro_f1(gold: BoolArray, decisions: BoolArray) -> float:
    return float(from_sums(contributions(gold, decisions).sum(axis=0))["macro_f1"])
