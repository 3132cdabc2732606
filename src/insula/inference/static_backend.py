"""The `static` backend: averages token vectors of a whole chunk of texts at once, with numpy and without padding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insula.inference.engine import DEFAULT, Engine
from insula.models.networks.averaged import AveragedTokens
from insula.models.networks.contributions import Contributions
from insula.models.tokens.tokenization import open_tokenizer

Tokens = tuple[NDArray[np.int64], NDArray[np.int64]]


class StaticBackend:
    """Opens model folders of the family `static`, without torch and ONNX Runtime."""

    prefetch = False

    def __init__(self, folder: Path, _: Engine = DEFAULT) -> None:
        self.tokenizer, self.outputs = open_tokenizer(folder)
        self._model = AveragedTokens.load(folder)

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits in the order of `texts`."""
        return self.compute(self.encode(texts))

    def contributions(self, text: str) -> Contributions | None:
        """Return what each token of a prepared text adds to its logits; None where its layers mix them."""
        if not self._model.additive:
            return None
        ids, places = self.tokenizer.encode_with_places(text)
        return Contributions(places, *self._model.contributions(ids))

    def encode(self, texts: Sequence[str]) -> Tokens:
        """Return the token ids of all texts, concatenated, and the number of tokens of each text."""
        return self.tokenizer.encode_flat(texts) if texts else (np.zeros(0, np.int64), np.zeros(0, np.int64))

    def compute(self, tokens: Tokens) -> NDArray[np.float32]:
        """Return (rows, outputs) logits for a result of `encode`."""
        ids, lengths = tokens
        return self._model.logits(ids, lengths) if len(lengths) else np.zeros((0, self.outputs), dtype=np.float32)
