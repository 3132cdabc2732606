"""The base classes of neural backends: tokenise, batch by length, restore the order of the logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insula.inference.batching import TOKEN_BUDGET, iterate_batches
from insula.inference.engine import DEFAULT, EngineSettings
from insula.models.layers.padding import pad
from insula.models.tokens.tokenization import open_tokenizer
from insula.models.tokens.windows import TextTokens, Windows, compute_in_windows
from insula.text.context import Segments


class TokenizedBackend:
    """The tokenizer of a model folder, with its handling of texts longer than the network reads at once."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer, self.outputs = open_tokenizer(folder)

    @property
    def max_tokens(self) -> int:
        """The maximum number of tokens read at once."""
        return self.tokenizer.max_tokens

    @property
    def reads(self) -> str:
        """The most that is read of a text, for messages; empty if all is."""
        return f"{self.max_tokens:,} tokens" if self.windows == "none" else ""

    @property
    def windows(self) -> Windows:
        """Reading of texts longer than the network reads at once; may be set."""
        return self.tokenizer.windows

    @windows.setter
    def windows(self, windows: Windows) -> None:
        self.tokenizer.windows = windows


class TokenBackend(TokenizedBackend, ABC):
    """Texts to logits via token ids; a subclass runs the model on one padded batch."""

    def __init__(self, folder: Path, engine: EngineSettings = DEFAULT) -> None:
        super().__init__(folder)
        self.budget = engine.tokens

    @abstractmethod
    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of (rows, tokens) token ids and mask."""

    def logits(self, texts: Sequence[Segments]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits in the order of `texts`."""
        return self.compute(self.encode(texts))

    def encode(self, texts: Sequence[Segments]) -> list[TextTokens]:
        """Return the token ids of each text."""
        return self.tokenizer.read(texts)

    def compute(self, tokens: Sequence[TextTokens]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of token ids, in their order."""
        return run_in_batches(tokens, self.outputs, self.run, budget=self.budget)

    def truncated(self, tokens: Sequence[TextTokens]) -> NDArray[np.bool_]:
        """Return (rows,) whether the end of each text is not read."""
        return np.fromiter((row.truncated for row in tokens), dtype=np.bool_, count=len(tokens))


def run_in_batches(
    tokens: Sequence[TextTokens | NDArray[np.int64]],
    outputs: int,
    run: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]],
    *,
    budget: int = TOKEN_BUDGET,
    at_once: int = 1,
) -> NDArray[np.float32]:
    """Return (rows, outputs) logits in the order of `tokens`; the logits of the windows of a text are pooled.

    run      computes the logits of one padded batch from its ids and mask
    at_once  the number of batches that run in parallel, one per thread
    """

    def compute(windows: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        out = np.zeros((len(windows), outputs), dtype=np.float32)

        def fill(rows: NDArray[np.intp]) -> None:
            out[rows] = run(*pad([windows[row] for row in rows]))

        row_batches = list(iterate_batches([len(row) for row in windows], tokens=budget))
        if at_once == 1 or len(row_batches) == 1:
            for rows in row_batches:
                fill(rows)
        else:
            with ThreadPoolExecutor(at_once, thread_name_prefix="insula-batch") as threads:
                list(threads.map(fill, row_batches))
        return out

    return compute_in_windows(tokens, compute)
