"""Replace the plain decision rule only if the gain of another one on held-out rows is more than luck."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import norm

from insula.core.arrays import BoolArray
from insula.evaluation.metrics.intervals import count_differences

LOSS_ERRORS = 1.0
"""Standard errors by which the loss of a calibration must be lower (Breiman et al. 1984: one)."""
F1_ERRORS = 1.645
"""Standard errors of the gain in macro-F1 that thresholds and offsets need: luck reaches so many in one case of twenty.
One is not enough on a hundred rows, where it would keep one useless rule in six (benchmarks/small_sets.py)."""
RESAMPLES = 500


def improves_macro_f1(gold: BoolArray, plain: BoolArray, chosen: Sequence[BoolArray], *, seed: int = 0) -> bool:
    """Return whether a rule has a higher macro-F1 than the plain one, by more than luck: `F1_ERRORS`.

    gold, plain   (rows, labels) 0/1: gold and the plain decisions on held-out rows
    chosen        decisions of the rule, one (rows, labels) array for each repetition of the folds; their mean counts

    Every row of `chosen` must be decided by a rule that was chosen without it. The standard error is that of the 95%
    interval, which does not vanish where the rule changes only a few rows.
    """
    gain = count_differences(gold, [plain], chosen, resamples=RESAMPLES, seed=seed)["macro_f1"].difference
    if gain.value is None or gain.low is None or gain.high is None:
        return False
    error = (gain.high - gain.low) / float(norm.ppf(0.975) - norm.ppf(0.025))
    return gain.value > 0 and gain.value > F1_ERRORS * error
