"""Batches of similar length under a token budget: little padding, bounded memory. The caller restores the order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

# Small enough for the activations of a layer to stay in the CPU cache: larger batches are slower. The same on every
# machine, so that batches, and therefore rounding, are the same everywhere.
TOKEN_BUDGET = 448
MAX_ROWS = 256


def iterate_batches(
    lengths: Sequence[int], *, tokens: int = TOKEN_BUDGET, rows: int = MAX_ROWS
) -> Iterator[NDArray[np.intp]]:
    """Yield arrays of row indices, shortest texts first, with at most `tokens` tokens per batch including padding.

    A text longer than the budget is a batch of its own. Every row is in exactly one batch.
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    first = 0
    while first < len(order):
        last = first + 1
        while last < len(order) and last - first < rows and lengths[order[last]] * (last - first + 1) <= tokens:
            last += 1
        yield order[first:last]
        first = last


def fits_one_batch(lengths: Sequence[int], *, tokens: int = TOKEN_BUDGET, rows: int = MAX_ROWS) -> bool:
    """Return whether texts of these lengths form at most one batch."""
    return len(lengths) < 2 or (len(lengths) <= rows and max(lengths) * len(lengths) <= tokens)
