"""`lower_priority`: a predictor for background files that yields to requests before each batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from insula.inference.backends import (
    ChooseRows,
    RiskBackend,
    TokenStages,
    TruncatingBackend,
    has_token_stages,
    scores_risk,
    truncated,
)
from insula.inference.predictor import Predictor
from insula.inference.token_backend import run_in_batches


def lower_priority(predictor: Predictor, wait: Callable[[], None]) -> Predictor:
    """Return a predictor that calls `wait` before each batch that its network computes.

    The batches stay the same, so predictions are identical to the bit. A model without a network is returned as it is:
    it predicts thousands of texts in the time of one such batch.
    """
    if not has_token_stages(predictor.backend):
        return predictor
    yielding = copy.copy(predictor)
    yielding.backend = _YieldingBackend(predictor.backend, wait)
    return yielding


class _YieldingBackend:
    """Shares tokenizer and network with another backend, so that the model is in memory once."""

    def __init__(self, backend: TokenStages, wait: Callable[[], None]) -> None:
        self.outputs, self.budget = backend.outputs, backend.budget
        self.encode = backend.encode
        self._run = backend.run
        self._backend = backend
        self._wait = wait
        self.risk_head = backend.risk_head if scores_risk(backend) else None

    def logits(self, texts: Sequence[Any]) -> NDArray[np.floating[Any]]:
        """Return (rows, outputs) logits in the order of `texts`."""
        return self.compute(self.encode(texts))

    @property
    def reads(self) -> str:
        """The most that the backend reads of a text."""
        return self._backend.reads if isinstance(self._backend, TruncatingBackend) else ""

    def truncated(self, tokens: Sequence[Any]) -> NDArray[np.bool_]:
        """Return (rows,) whether the end of each text is not read."""
        return truncated(self._backend, tokens, len(tokens))

    def compute(self, tokens: Sequence[Any]) -> NDArray[np.floating[Any]]:
        """Return (rows, outputs) logits of token ids, in their order."""
        return run_in_batches(tokens, self.outputs, self.run, budget=self.budget)

    def compute_with_risk(self, tokens: Sequence[Any], needed: ChooseRows) -> NDArray[np.floating[Any]]:
        """Return `compute`'s logits and, in a last column, those of any risk of the rows that need them."""
        run = partial(self.run_with_risk, needed=needed)
        return run_in_batches(tokens, self.outputs + 1, run, budget=self.budget)

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Yield to requests, then run the model."""
        self._wait()
        return self._run(ids, mask)

    def run_with_risk(self, ids: NDArray[np.int64], mask: NDArray[np.int64], needed: ChooseRows) -> NDArray[np.float32]:
        """Yield to requests, then run the model and its risk head."""
        self._wait()
        return cast(RiskBackend, self._backend).run_with_risk(ids, mask, needed)
