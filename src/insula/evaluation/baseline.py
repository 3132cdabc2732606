"""What one reaches without reading the text: always the most frequent answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from insula.core.scheme import LabelScheme
from insula.evaluation.arrays import Floats, as_column


def baseline_majority(scheme: LabelScheme, base_rates: Any, rows: int) -> tuple[Floats, Floats]:
    """Return (scores, decisions), both (rows, names), of the constant majority answer.

    base_rates   (names,): share of training rows that carry each label; the training mean of each dimension

    single, binary, ordinal: the most frequent class; multi: the labels with a base rate of at least 0.5, which often
    is the empty set; dimensional: the means, as scores and as decisions.
    """
    rates = as_column("base rates", base_rates, len(scheme.names))
    if scheme.kind == "dimensional":
        decided = rates
    elif scheme.kind == "multi":
        decided = (rates >= 0.5).astype(np.float64)
    else:
        decided = np.eye(len(rates))[rates.argmax()]
    return np.tile(rates, (rows, 1)), np.tile(decided, (rows, 1))
