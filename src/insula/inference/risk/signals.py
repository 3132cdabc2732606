"""`find_signals`: texts with a sign of risk, by the rules and by scores that a model computed with its logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insula.core.arrays import BoolArray
from insula.models.risk.head import RiskHead
from insula.safety.signals.detect import THRESHOLD, has_signal


def find_signals(texts: Sequence[str], logits: NDArray[np.floating], head: RiskHead) -> BoolArray:
    """Return (texts,) whether each text shows a sign of risk.

    logits  (texts,) those of any risk, from the part of each text that the model reads; the rules read more of it
    """
    found: BoolArray = head.scores(texts, logits) >= THRESHOLD
    for row in np.flatnonzero(~found).tolist():
        found[row] = has_signal(texts[row])
    return found
