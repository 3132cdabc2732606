"""`RiskHead`: the learned score of risk, a small network on top of a layer of the starter model.

Its folder has `head.safetensors` and `head.json`: the tensor of the starter model that it reads, the SHA-256 of the
files that it depends on, and for each language the logit from which a message is a signal. `scripts/make_risk_head.py`
makes it again for another starter model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from insula.core.errors import ModelFolderError
from insula.core.files import hash_file
from insula.models.folder import MANIFEST
from insula.text.scripts import detect_language_by_script

RISK_FOLDER = Path(__file__).parent
HEAD, SETTINGS = "head.safetensors", "head.json"
BASE_FILES = ("model.onnx", "preparation.json", "tokenizer.json")

Array = NDArray[np.float32]


class RiskHead:
    """Scores messages by the vectors that a tensor inside the network has for their tokens.

    tensor      the name of that tensor
    weights     layer norm, inner and outer layer, as `scripts/make_risk_head.py` trains them
    thresholds  the logit of each language from which a message is a signal
    """

    def __init__(self, tensor: str, weights: Mapping[str, Array], thresholds: Mapping[str, float]) -> None:
        self.tensor = tensor
        self.thresholds = thresholds
        self._weights = wide = {name: value.astype(np.float32) for name, value in weights.items()}
        # The layer norm is part of the product: (x - mean) / deviation times weights.
        self._inner = np.ascontiguousarray((wide["inner.weight"] * wide["norm.weight"]).T)
        self._inner_sums = self._inner.sum(0)
        self._inner_bias = wide["inner.weight"] @ wide["norm.bias"] + wide["inner.bias"]

    @classmethod
    def read(cls, folder: Path, base: Path) -> RiskHead:
        """Read a head for the model folder `base`; raise `ModelFolderError` if it was trained on other files."""
        try:
            settings = _read_settings(folder)
            found = {HEAD: hash_file(folder / HEAD)} | {name: hash_file(base / name) for name in BASE_FILES}
        except FileNotFoundError as error:
            raise ModelFolderError(
                f"The risk score needs {str(error.filename)!r}, which is missing. {REPAIR}"
            ) from error
        wrong = [name for name, digest in found.items() if settings["sha256"][name] != digest]
        if wrong:
            raise ModelFolderError(f"The risk score was trained with another {' and '.join(wrong)}. {REPAIR}")
        return cls(settings["tensor"], load_file(folder / HEAD), settings["thresholds"])

    def logits(self, states: Array, mask: NDArray[np.int64]) -> Array:
        """Return (rows, 1 + kinds) logits, of any risk and of each kind.

        states, mask  (rows, tokens, width) vectors and the (rows, tokens) mask of a padded batch
        """
        weights = self._weights
        used = mask.astype(bool)
        vectors = states[used]
        means = vectors.mean(1, keepdims=True)
        squares = np.einsum("tw,tw->t", vectors, vectors)[:, None] / np.float32(vectors.shape[1])
        inner = vectors @ self._inner
        inner -= means * self._inner_sums
        inner /= np.sqrt(squares - means * means + np.float32(1e-5))
        inner += self._inner_bias
        tokens = 0.5 * inner * (1 + np.tanh(0.7978845608 * inner * (1 + 0.044715 * inner * inner)))  # GELU
        counts = used.sum(1)
        starts = np.cumsum(counts) - counts
        average = np.add.reduceat(tokens, starts, axis=0) / counts[:, None].astype(np.float32)
        pooled = np.concatenate([average, np.maximum.reduceat(tokens, starts, axis=0)], axis=1)
        logits: Array = pooled @ weights["outer.weight"].T + weights["outer.bias"]
        return logits

    def scores(self, texts: Sequence[str], logits: Array) -> Array:
        """Return (texts,) the score of any risk: from 0.5 on it is a signal.

        logits  (texts,) those of any risk
        """
        limits = np.array([self.thresholds[detect_language_by_script(text)] for text in texts], dtype=np.float32)
        scores: Array = 1 / (1 + np.exp(limits - logits))
        return scores


def find_risk_head(folder: Path) -> RiskHead | None:
    """Return the head that comes with insula if the model folder has the files that it was trained on, else None."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        settings = _read_settings(RISK_FOLDER)
    except (OSError, ValueError, KeyError):  # a folder without a manifest is not finished
        return None
    if any(files.get(name) != settings["sha256"][name] for name in BASE_FILES):
        return None
    return RiskHead(settings["tensor"], load_file(RISK_FOLDER / HEAD), settings["thresholds"])


def _read_settings(folder: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    return settings


REPAIR = "Install insula again, or make the score again with: python scripts/make_risk_head.py"
