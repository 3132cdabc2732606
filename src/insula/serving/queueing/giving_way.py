"""A model for files, which gives way to requests: they are waited for, a file is not."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from insula.inference.predictor import Predictor
from insula.inference.token_backend import TokenBackend


def giving_way(predictor: Predictor, wait: Callable[[], None]) -> Predictor:
    """Return a predictor that calls `wait` before each batch that its network computes.

    Texts go together as they did, so that answers stay the same to the bit. A model without a network is returned as it
    is: it is done with thousands of texts in the time of one such batch.
    """
    if not isinstance(predictor.backend, TokenBackend):
        return predictor
    polite = copy.copy(predictor)
    polite.backend = _GivingWay(predictor.backend, wait)
    return polite


class _GivingWay(TokenBackend):
    """Another backend's network and tokenizer; it is not opened a second time."""

    def __init__(self, backend: TokenBackend, wait: Callable[[], None]) -> None:
        self.tokenizer, self.outputs, self.budget = backend.tokenizer, backend.outputs, backend.budget
        self._run = backend.run
        self._wait = wait

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Let requests go first, and run the model."""
        self._wait()
        return self._run(ids, mask)
