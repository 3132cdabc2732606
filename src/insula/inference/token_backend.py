"""The base class of neural backends: tokenise, batch by length, restore the order of the logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insula.inference.batching import TOKEN_BUDGET, batches
from insula.inference.engine import DEFAULT, Engine
from insula.models.layers.padding import pad
from insula.models.tokens.tokenization import open_tokenizer
from insula.text.context import Segments


class TokenBackend(ABC):
    """Texts to logits via token ids; a subclass runs the model on one padded batch."""

    def __init__(self, folder: Path, engine: Engine = DEFAULT) -> None:
        self.tokenizer, self.outputs = open_tokenizer(folder)
        self.budget = engine.tokens

    @abstractmethod
    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of (rows, tokens) token ids and mask."""

    def logits(self, texts: Sequence[Segments]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits in the order of `texts`."""
        return self.compute(self.encode(texts))

    def encode(self, texts: Sequence[Segments]) -> list[NDArray[np.int64]]:
        """Return one array of token ids per text."""
        return self.tokenizer(texts)

    def compute(self, tokens: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of token ids, in their order."""
        return in_batches(tokens, self.outputs, self.run, budget=self.budget)


def in_batches(
    tokens: Sequence[NDArray[np.int64]],
    outputs: int,
    run: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]],
    *,
    budget: int = TOKEN_BUDGET,
    at_once: int = 1,
) -> NDArray[np.float32]:
    """Return (rows, outputs) logits in the order of `tokens`.

    run      computes the logits of one padded batch from its ids and mask
    at_once  the number of batches that run in parallel, one per thread
    """
    out = np.zeros((len(tokens), outputs), dtype=np.float32)

    def fill(rows: NDArray[np.intp]) -> None:
        out[rows] = run(*pad([tokens[row] for row in rows]))

    row_batches = list(batches([len(row) for row in tokens], tokens=budget))
    if at_once == 1 or len(row_batches) == 1:
        for rows in row_batches:
            fill(rows)
    else:
        with ThreadPoolExecutor(at_once, thread_name_prefix="insula-batch") as threads:
            list(threads.map(fill, row_batches))
    return out
