"""The `static` backend: averages token vectors of a whole chunk of texts at once, with numpy and without padding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insula.inference.engine import DEFAULT, EngineSettings
from insula.inference.token_backend import TokenizedBackend
from insula.models.networks.averaged import StaticNetwork
from insula.models.networks.contributions import Contributions
from insula.models.tokens.windows import FlatTokens, compute_window_spans, pool


class StaticBackend(TokenizedBackend):
    """Opens model folders of the family `static`, without torch and ONNX Runtime."""

    prefetch = False

    def __init__(self, folder: Path, _: EngineSettings = DEFAULT) -> None:
        super().__init__(folder)
        self._model = StaticNetwork.load(folder)

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits in the order of `texts`."""
        return self.compute(self.encode(texts))

    def features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (rows, width) the mean token vector of each text, over its windows."""
        tokens = self.encode(texts)
        return pool(self._model.average(tokens.ids, tokens.lengths), tokens.counts, "mean")

    def contributions(self, text: str) -> Contributions | None:
        """Return the contribution of each token of a prepared text to its logits; None if its layers mix tokens."""
        if not self._model.additive:
            return None
        ids, places = self.tokenizer.encode_with_offsets(text)
        spans = compute_window_spans(len(ids), self.tokenizer.max_tokens)
        if self.windows == "none":
            del spans[1:]
        elif self.windows == "max" and len(spans) > 1:
            return None
        several = [self._model.contributions(ids[start:end]) for start, end in spans]
        weights = np.concatenate([one for one, _ in several]) / len(spans)
        return Contributions(np.concatenate([places[start:end] for start, end in spans]), weights, several[0][1])

    def encode(self, texts: Sequence[str]) -> FlatTokens:
        """Return the token ids of all texts, concatenated."""
        return self.tokenizer.read_flat(texts)

    def compute(self, tokens: FlatTokens) -> NDArray[np.float32]:
        """Return (rows, outputs) logits for a result of `encode`."""
        if not len(tokens.counts):
            return np.zeros((0, self.outputs), dtype=np.float32)
        return pool(self._model.logits(tokens.ids, tokens.lengths), tokens.counts, tokens.pooling)

    def truncated(self, tokens: FlatTokens) -> NDArray[np.bool_]:
        """Return (rows,) whether the end of each text is not read."""
        return tokens.truncated
