"""Abstention: its threshold, and risk against coverage."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.core.errors import DataError
from insula.evaluation.metrics.checked_arrays import as_column, average_finite
from insula.evaluation.metrics.curves import space_evenly
from insula.evaluation.result import Abstention

MIN_SPREAD = 1e-3  # of energies: normalised log probabilities all have the energy 0, up to rounding


def choose_abstention(correct: Any, confidence: Any, *, coverage: float = 0.95) -> float:
    """Return the confidence below which a model abstains.

    correct, confidence   (rows,) of validation rows
    coverage              smallest share of these rows, in (0, 1], on which the model does not abstain

    Returns 0.0 (never abstain) where coverage is 1, and where accuracy below the threshold is no lower than above it.
    """
    if not 0 < coverage <= 1:
        raise DataError(f"The coverage must be above 0 and at most 1. Got {coverage}. Use a share in this range.")
    values = np.asarray(confidence, dtype=np.float64)
    right = as_column("correct", correct, len(values), np.bool_)
    # Without the small term 0.95 * 100 = 95.00000000000001 would require 96 rows.
    abstained_rows = len(values) - math.ceil(coverage * len(values) - 1e-9)
    if abstained_rows < 1:
        return 0.0
    limit = np.sort(values)[abstained_rows]
    below = values < limit
    if not below.any() or right[below].mean() >= right[~below].mean():
        return 0.0
    # Half way to the next lower confidence, so that rounding at prediction time does not flip a row.
    highest_below = float(values[below].max())
    middle = highest_below + (float(limit) - highest_below) / 2
    return middle if middle > highest_below else float(limit)


def choose_energy(correct: Any, energy: Any, *, coverage: float = 0.95) -> float | None:
    """Return the energy above which a model abstains, for half of the rows that `coverage` leaves; None to ignore it.

    correct, energy   (rows,) of validation rows (`DecisionRule.energies`)

    Confidence is chosen on rows like the training rows and hardly reacts when texts change; energy does
    (benchmarks/abstention_shift.py). None where it is the same for all rows, and where the rows above the limit are
    correct as often as the others.
    """
    values = np.asarray(energy, dtype=np.float64)
    right = as_column("correct", correct, len(values), np.bool_)
    count = (len(values) - math.ceil(coverage * len(values) - 1e-9)) // 2
    if count < 1 or np.ptp(values) < MIN_SPREAD:
        return None
    limit = float(np.sort(values)[-count - 1])
    above = values > limit
    if not above.any() or right[above].mean() >= right[~above].mean():
        return None
    return (limit + float(values[above].min())) / 2


def compute_risk_coverage(correct: Any, confidence: Any) -> tuple[Float64Array, Float64Array, float]:
    """Return (coverage, risk, AURC): the error rate among the most confident rows, for every coverage.

    coverage, risk   (rows,); errors are spread evenly over rows of equal confidence, so that row order does not matter
    AURC             area under the curve, the mean risk (Geifman & El-Yaniv 2017); 0 is best
    """
    values = np.asarray(confidence, dtype=np.float64)
    wrong = ~as_column("correct", correct, len(values), np.bool_)
    if not len(values):
        raise DataError("The confidence must have at least one entry. Got none. Pass one per row.")
    _, group, sizes = np.unique(-values, return_inverse=True, return_counts=True)
    share = np.bincount(group, weights=wrong) / sizes
    answered = np.arange(1, len(values) + 1)
    risk = np.cumsum(np.repeat(share, sizes)) / answered
    return answered / len(values), risk, float(risk.mean())


def summarise_abstention(
    correct: BoolArray, confidence: Float64Array, abstained: BoolArray | None = None, threshold: float | None = None
) -> Abstention:
    """Return coverage, accuracy and the risk-coverage curve; without answered rows `accuracy_answered` is None."""
    answered = np.ones(len(correct), dtype=np.bool_) if abstained is None else ~abstained
    coverage, risk, area = compute_risk_coverage(correct, confidence)
    return Abstention(
        coverage=float(answered.mean()),
        threshold=threshold,
        accuracy_answered=average_finite(correct[answered]),
        accuracy_all=float(correct.mean()),
        aurc=area,
        curve=[[round(float(coverage[i]), 6), round(float(risk[i]), 6)] for i in space_evenly(len(risk), 50)],
    )
