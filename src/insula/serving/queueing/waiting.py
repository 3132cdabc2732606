"""Texts that wait for a model, and which of them go together."""

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

WINDOW = 256  # texts among which company of like length is looked for
CHARACTERS_A_TOKEN = 4  # of text in ASCII; elsewhere a character is about a token


@dataclass(slots=True, eq=False)
class Request:
    """The texts of one request.

    answers  a prediction a text, as far as they are there
    left     how many are missing
    gone     nobody waits for it any more
    """

    future: Any
    answers: list[Prediction | None]
    left: int
    gone: bool = False
    error: BaseException | None = field(default=None)


@dataclass(slots=True, eq=False)
class Piece:
    """One input of a request.

    ids     its token numbers, None where the model reads texts
    tokens  how many it has, or about how many
    """

    request: Request
    row: int
    given: TextOrInput
    tokens: int
    ids: NDArray[np.int64] | None = None


def estimated_tokens(given: TextOrInput, most: int) -> int:
    """Return about how many tokens an input has, at most `most`; quicker than to count them."""
    if isinstance(given, ModelInput):
        read = [given.text, given.target or "", *(turn.text for turn in given.turns)]
        return min(sum(estimated_tokens(text, most) for text in read if text), most)
    bytes_more = 0 if given.isascii() else len(given.encode("utf-8", "replace")) - len(given)
    wide = min(bytes_more, len(given))
    return min(2 + (len(given) - wide) // CHARACTERS_A_TOKEN + wide, most)


class Waiting:
    """First come, first served, but for company: the oldest text leaves with those near it in length.

    padded  a batch takes as long as its longest text times its texts; else as its texts, and the order stays

    The oldest of all is in every batch, so that none waits for ever.
    """

    def __init__(self, *, tokens: int, texts: int, padded: bool = True) -> None:
        self._padded = padded
        self._most_tokens = tokens
        self._most_texts = texts
        self._pieces: deque[Piece] = deque()
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def batches(self) -> int:
        """How many batches what waits will make, about."""
        return max(math.ceil(self.tokens / self._most_tokens), math.ceil(len(self._pieces) / self._most_texts))

    @property
    def is_full(self) -> bool:
        """True where there is a whole batch."""
        return self.tokens >= self._most_tokens or len(self._pieces) >= self._most_texts

    def add(self, pieces: Collection[Piece]) -> None:
        """Let pieces wait behind those that do."""
        self._pieces.extend(pieces)
        self.tokens += sum(piece.tokens for piece in pieces)

    def drop(self, request: Request) -> None:
        """Take out what waits for a request."""
        kept = [piece for piece in self._pieces if piece.request is not request]
        self.tokens -= sum(piece.tokens for piece in self._pieces) - sum(piece.tokens for piece in kept)
        self._pieces = deque(kept)

    def take(self, another_batch: float) -> list[Piece]:
        """Take out a batch: the oldest piece and its company; empty where nothing waits.

        another_batch  how many tokens of padding cost as much as one more batch
        """
        if not self._pieces:
            return []
        window = list(itertools.islice(self._pieces, WINDOW if self._padded else self._most_texts))
        chosen = self._company(window, another_batch) if self._padded else self._first(window)
        for _ in window:
            self._pieces.popleft()
        if len(chosen) < len(window):
            taken = set(map(id, chosen))
            self._pieces.extendleft(reversed([piece for piece in window if id(piece) not in taken]))
        self.tokens -= sum(piece.tokens for piece in chosen)
        return chosen

    def _first(self, window: list[Piece]) -> list[Piece]:
        sums = itertools.accumulate(piece.tokens for piece in window)
        return window[: max(1, sum(tokens <= self._most_tokens for tokens in sums))]

    def _company(self, window: list[Piece], another_batch: float) -> list[Piece]:
        """Return the oldest piece and those nearest to it in length.

        One more is taken while what it adds in padding, for each text that is there, costs less than its share of
        another batch: with texts of evenly spread lengths that finds the size that takes the least time a text.
        """
        order = sorted(window, key=_length)
        lengths = [piece.tokens for piece in order]
        low = high = order.index(window[0])
        while (count := high - low + 1) < min(self._most_texts, len(order)):
            # A shorter text is padded to the longest; a longer one pads all that are there.
            shorter = lengths[high] - lengths[low - 1] if low else math.inf
            longer = (lengths[high + 1] - lengths[high]) * count if high + 1 < len(order) else math.inf
            longest = lengths[high] if shorter <= longer else lengths[high + 1]
            if min(shorter, longer) * count > another_batch or longest * (count + 1) > self._most_tokens:
                break
            low, high = (low - 1, high) if shorter <= longer else (low, high + 1)
        return order[low : high + 1]


def _length(piece: Piece) -> int:
    return piece.tokens
