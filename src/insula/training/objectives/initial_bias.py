"""The logits that a head begins with: what is said of a text before a word of it is read."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import Float64Array


def log_odds(wanted: Float64Array, weights: Float64Array, label_weights: Float64Array | None = None) -> list[float]:
    """Return the log-odds of each label among (rows, labels) targets, absent and present weighed as in the loss."""
    absent, present = (1.0, 1.0) if label_weights is None else label_weights
    # Half a row of each kind is added, so that a label nobody saw has finite log-odds.
    yes = present * (weights @ wanted) + 0.5
    no = absent * (weights @ (1.0 - wanted)) + 0.5
    return list(np.log(yes) - np.log(no))


def log_rates(wanted: Float64Array, weights: Float64Array) -> list[float]:
    """Return the log-frequency of each class among (rows, classes) targets."""
    return list(np.log((weights @ wanted + 0.5) / (weights.sum() + 1.0)))


def means(wanted: Float64Array, weights: Float64Array) -> list[float]:
    """Return the mean of each column."""
    return list(np.average(wanted, axis=0, weights=weights if weights.any() else None))
