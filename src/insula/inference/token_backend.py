"""What the neural backends share: tokenise, batch by length, put the logits back in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insula.inference.batching import TOKEN_BUDGET, batches
from insula.inference.engine import DEFAULT, Engine
from insula.models.padding import pad
from insula.models.tokenization import open_tokenizer


class TokenBackend(ABC):
    """Texts to logits through token numbers; a subclass runs the model on one padded batch."""

    def __init__(self, folder: Path, engine: Engine = DEFAULT) -> None:
        self.tokenizer, self.outputs = open_tokenizer(folder)
        self.budget = engine.tokens

    @abstractmethod
    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of (rows, tokens) token numbers and mask."""

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits in the order of `texts`."""
        return self.begin(texts)()

    def begin(self, texts: Sequence[str]) -> Callable[[], NDArray[np.float32]]:
        """Tokenise now; what is returned runs the model."""
        return partial(in_batches, self.tokenizer(texts), self.outputs, self.run, budget=self.budget)


def in_batches(
    tokens: Sequence[NDArray[np.int64]],
    outputs: int,
    run: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]],
    *,
    budget: int = TOKEN_BUDGET,
) -> NDArray[np.float32]:
    """Return (rows, outputs) logits in the order of `tokens`; `run` takes the ids and mask of one padded batch."""
    out = np.zeros((len(tokens), outputs), dtype=np.float32)
    for rows in batches([len(row) for row in tokens], tokens=budget):
        ids, mask = pad([tokens[row] for row in rows])
        out[rows] = run(ids, mask)
    return out
