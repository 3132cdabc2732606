"""`RiskScorer`: the learned score of risk, a small network on top of what the starter model reads.

Its folder has `head.safetensors` and `head.json`: the layer of the starter model that it reads, the SHA-256 of the
files that it depends on, and for each language the logit from which a message is a signal. `scripts/make_risk_head.py`
makes it again for another starter model.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from insula.core.errors import ModelFolderError
from insula.core.files import hash_file
from insula.inference.risk.hidden_states import HiddenStates
from insula.models.locate import STARTER_FOLDER
from insula.models.tokens.windows import pool
from insula.safety.signals.detect import MAX_CHARACTERS
from insula.safety.signals.result import KINDS, RiskScore
from insula.text.scripts import detect_language_by_script

RISK_FOLDER = STARTER_FOLDER.parent / "risk"
HEAD, SETTINGS = "head.safetensors", "head.json"
BASE_FILES = ("model.onnx", "preparation.json", "tokenizer.json")

Array = NDArray[np.float32]


class RiskScorer:
    """Scores the risk of messages with a head and the model folder that it was trained on.

    folder  of the head
    base    model folder whose hidden states the head reads

    A long message gets the highest scores of its parts. Raises `ModelFolderError` if a file differs from the one that
    the head was trained on.
    """

    def __init__(self, folder: Path = RISK_FOLDER, base: Path = STARTER_FOLDER) -> None:
        settings = _read_settings(folder, base)
        self._states = HiddenStates(base, settings["tensor"])
        self._weights: dict[str, Array] = {
            name: value.astype(np.float32) for name, value in load_file(folder / HEAD).items()
        }
        self._thresholds: dict[str, float] = settings["thresholds"]

    def score(self, texts: Sequence[str]) -> list[RiskScore]:
        """Return the score of each message; its first 100,000 characters count."""
        if not texts:
            return []
        logits = self.logits(texts)
        limits = [self._thresholds[detect_language_by_script(text)] for text in texts]
        values = 1 / (1 + np.exp(-(logits[:, 0] - np.array(limits))))
        kinds = 1 / (1 + np.exp(-logits[:, 1:]))
        return [
            RiskScore(float(value), dict(zip(KINDS, map(float, row), strict=True)))
            for value, row in zip(values, kinds, strict=True)
        ]

    def logits(self, texts: Sequence[str]) -> Array:
        """Return (texts, 1 + kinds) logits: of any risk, and of each kind."""
        tokens = self._states.encode([text[:MAX_CHARACTERS] for text in texts])
        windows = [window for text in tokens for window in text.windows]
        logits = np.zeros((len(windows), 1 + len(KINDS)), dtype=np.float32)
        for place, states in self._states.compute(windows):
            logits[place] = _apply_head(states, self._weights)
        return pool(logits, [len(text.windows) for text in tokens], "max")


def _apply_head(states: Array, weights: Mapping[str, Array]) -> Array:
    """Return the logits for (tokens, width) hidden states: features of each token, their mean and their maximum."""
    centred = states - states.mean(1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
    inner = (scaled * weights["norm.weight"] + weights["norm.bias"]) @ weights["inner.weight"].T + weights["inner.bias"]
    tokens = 0.5 * inner * (1 + np.tanh(0.7978845608 * (inner + 0.044715 * inner**3)))  # GELU
    pooled = np.concatenate([tokens.mean(0), tokens.max(0)])
    logits: Array = weights["outer.weight"] @ pooled + weights["outer.bias"]
    return logits


def _read_settings(folder: Path, base: Path) -> dict[str, Any]:
    """Return the settings of a head; raise `ModelFolderError` unless all files are those that belong together."""
    try:
        settings: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        found = {HEAD: hash_file(folder / HEAD)} | {name: hash_file(base / name) for name in BASE_FILES}
    except FileNotFoundError as error:
        raise ModelFolderError(f"The risk score needs {str(error.filename)!r}, which is missing. {_REPAIR}") from error
    wrong = [name for name, digest in found.items() if settings["sha256"][name] != digest]
    if wrong:
        raise ModelFolderError(f"The risk score was trained with another {' and '.join(wrong)}. {_REPAIR}")
    return settings


_REPAIR = "Install insula again, or make the score again with: python scripts/make_risk_head.py"


@functools.cache
def load_risk_scorer() -> RiskScorer:
    """Return the scorer that comes with insula; it is opened at the first call."""
    return RiskScorer()
