"""`BatchQueue`: the texts that wait for a model, grouped into batches of similar length."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.model_input import ModelInput, TextOrInput
from insula.core.prediction import Prediction

WINDOW = 256  # oldest texts among which a batch of similar length is chosen
CHARACTERS_PER_TOKEN = 4  # of ASCII text; in other scripts a character is about one token


@dataclass(slots=True, eq=False)
class PendingRequest:
    """The texts of one request.

    answers    the predictions so far, None for texts without one
    left       how many texts have no prediction yet
    cancelled  nobody is waiting for the answers
    computed   when its first batch was computed, in nanoseconds since 1970; 0 before
    """

    future: Any
    answers: list[Prediction | None]
    left: int
    cancelled: bool = False
    error: BaseException | None = field(default=None)
    computed: int = 0


@dataclass(slots=True, eq=False)
class QueuedInput:
    """One input of a request.

    ids     its token ids, None if the model reads texts
    tokens  their number, estimated if the model reads texts
    """

    request: PendingRequest
    row: int
    given: TextOrInput
    tokens: int
    ids: NDArray[np.int64] | None = None


def estimate_tokens(given: TextOrInput, most: int) -> int:
    """Return an estimate of the tokens of an input, at most `most`; faster than tokenising it."""
    if isinstance(given, ModelInput):
        read = [given.text, given.target or "", *(turn.text for turn in given.turns)]
        return min(sum(estimate_tokens(text, most) for text in read if text), most)
    bytes_more = 0 if given.isascii() else len(given.encode("utf-8", "replace")) - len(given)
    wide = min(bytes_more, len(given))
    return min(2 + (len(given) - wide) // CHARACTERS_PER_TOKEN + wide, most)


class BatchQueue:
    """A queue that groups texts of similar length: each batch has the oldest text, and those near it in length.

    padded  True if a batch costs its longest text times its number of texts; False keeps the order of arrival

    The oldest text is in every batch, so no text waits forever.
    """

    def __init__(self, *, tokens: int, texts: int, padded: bool = True) -> None:
        self._padded = padded
        self._most_tokens = tokens
        self._most_texts = texts
        self._items: deque[QueuedInput] = deque()
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def batches(self) -> int:
        """About how many batches the queue holds."""
        return max(math.ceil(self.tokens / self._most_tokens), math.ceil(len(self._items) / self._most_texts))

    @property
    def is_full(self) -> bool:
        """Whether there is enough for a full batch."""
        return self.tokens >= self._most_tokens or len(self._items) >= self._most_texts

    def add(self, items: Collection[QueuedInput]) -> None:
        """Add items at the end."""
        self._items.extend(items)
        self.tokens += sum(item.tokens for item in items)

    def drop(self, request: PendingRequest) -> None:
        """Remove the items of a request."""
        kept = [item for item in self._items if item.request is not request]
        self.tokens -= sum(item.tokens for item in self._items) - sum(item.tokens for item in kept)
        self._items = deque(kept)

    def take(self, batch_overhead: float) -> list[QueuedInput]:
        """Remove and return a batch with the oldest item; return no items from an empty queue.

        batch_overhead  how many tokens of padding cost as much as one more batch
        """
        if not self._items:
            return []
        window = list(itertools.islice(self._items, WINDOW if self._padded else self._most_texts))
        chosen = self._take_similar_lengths(window, batch_overhead) if self._padded else self._take_in_order(window)
        for _ in window:
            self._items.popleft()
        if len(chosen) < len(window):
            taken = set(map(id, chosen))
            self._items.extendleft(reversed([item for item in window if id(item) not in taken]))
        self.tokens -= sum(item.tokens for item in chosen)
        return chosen

    def _take_in_order(self, window: list[QueuedInput]) -> list[QueuedInput]:
        sums = itertools.accumulate(item.tokens for item in window)
        return window[: max(1, sum(tokens <= self._most_tokens for tokens in sums))]

    def _take_similar_lengths(self, window: list[QueuedInput], batch_overhead: float) -> list[QueuedInput]:
        """Return the oldest item and those nearest to it in length.

        An item is added while the padding it adds costs less than its share of another batch. For evenly spread
        lengths this finds the batch size with the least time per text.
        """
        order = sorted(window, key=_get_length)
        lengths = [item.tokens for item in order]
        low = high = order.index(window[0])
        while (count := high - low + 1) < min(self._most_texts, len(order)):
            # A shorter text is padded to the longest; a longer one pads all the others.
            shorter = lengths[high] - lengths[low - 1] if low else math.inf
            longer = (lengths[high + 1] - lengths[high]) * count if high + 1 < len(order) else math.inf
            longest = lengths[high] if shorter <= longer else lengths[high + 1]
            if min(shorter, longer) * count > batch_overhead or longest * (count + 1) > self._most_tokens:
                break
            low, high = (low - 1, high) if shorter <= longer else (low, high + 1)
        return order[low : high + 1]


def _get_length(item: QueuedInput) -> int:
    return item.tokens
