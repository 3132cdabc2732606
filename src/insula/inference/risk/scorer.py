"""`RiskScorer`: the learned score of risk of messages, with the starter model whose layer it reads."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insula.inference.risk.hidden_states import HiddenStateEncoder
from insula.models.locate import STARTER_FOLDER
from insula.models.risk.head import RISK_FOLDER, RiskHead
from insula.models.tokens.windows import pool
from insula.safety.signals.detect import MAX_CHARACTERS
from insula.safety.signals.result import KINDS, RiskScore


class RiskScorer:
    """Scores the risk of messages with a head and the model folder that it was trained on.

    folder  of the head
    base    model folder whose hidden states the head reads

    A long message gets the highest scores of its parts. Raises `ModelFolderError` if a file differs from the one that
    the head was trained on.
    """

    def __init__(self, folder: Path = RISK_FOLDER, base: Path = STARTER_FOLDER) -> None:
        self._head = RiskHead.read(folder, base)
        self._states = HiddenStateEncoder(base, self._head.tensor)

    def score(self, texts: Sequence[str]) -> list[RiskScore]:
        """Return the score of each message; its first 100,000 characters count."""
        if not texts:
            return []
        logits = self.logits(texts)
        values = self._head.scores(texts, logits[:, 0])
        kinds = 1 / (1 + np.exp(-logits[:, 1:]))
        return [
            RiskScore(float(value), dict(zip(KINDS, map(float, row), strict=True)))
            for value, row in zip(values, kinds, strict=True)
        ]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, 1 + kinds) logits: of any risk, and of each kind."""
        tokens = self._states.encode([text[:MAX_CHARACTERS] for text in texts])
        windows = [window for text in tokens for window in text.windows]
        logits = np.zeros((len(windows), 1 + len(KINDS)), dtype=np.float32)
        for places, states, mask in self._states.compute(windows):
            logits[places] = self._head.logits(states, mask)
        return pool(logits, [len(text.windows) for text in tokens], "max")


@functools.cache
def load_risk_scorer() -> RiskScorer:
    """Return the scorer that comes with insula; it is opened at the first call."""
    return RiskScorer()
