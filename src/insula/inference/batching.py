"""Batches of like length under a token budget: little padding, bounded memory, order kept by the caller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

# So few that what a layer computes stays near the processor: larger batches run slower. The same on every machine, so
# that a text has the same company wherever it is predicted.
TOKEN_BUDGET = 448
MAX_ROWS = 256


def batches(lengths: Sequence[int], *, tokens: int = TOKEN_BUDGET, rows: int = MAX_ROWS) -> Iterator[NDArray[np.intp]]:
    """Yield arrays of row numbers, shortest texts first; padded tokens of a batch stay within `tokens`.

    A text longer than the budget makes a batch of its own. Every row stands in exactly one batch.
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
    """Return whether texts of these lengths make one batch, or none."""
    return len(lengths) < 2 or (len(lengths) <= rows and max(lengths) * len(lengths) <= tokens)
