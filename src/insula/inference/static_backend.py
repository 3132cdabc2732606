"""The `static` backend: token vectors of a whole chunk of texts at once, in numpy, without padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insula.inference.engine import DEFAULT, Engine
from insula.models.networks.averaged import AveragedTokens
from insula.models.tokens.tokenization import open_tokenizer


class StaticBackend:
    """Opens the model folders of the family `static`; needs neither torch nor ONNX Runtime."""

    quick = True

    def __init__(self, folder: Path, _: Engine = DEFAULT) -> None:
        self.tokenizer, self.outputs = open_tokenizer(folder)
        self._model = AveragedTokens.load(folder)

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits in the order of `texts`."""
        return self.begin(texts)()

    def begin(self, texts: Sequence[str]) -> Callable[[], NDArray[np.float32]]:
        """Tokenise; what is returned computes the logits."""
        if not texts:
            return lambda: np.zeros((0, self.outputs), dtype=np.float32)
        ids, lengths = self.tokenizer.in_a_row(texts)
        return lambda: self._model.logits(ids, lengths)
