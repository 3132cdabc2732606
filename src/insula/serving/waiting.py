"""Texts that wait for a model, and which of them go together."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

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
    """One text of a request; `tokens` are estimated."""

    request: Request
    row: int
    text: str
    tokens: int


def estimated_tokens(text: str, most: int) -> int:
    """Return about how many tokens a text has, at most `most`: quick, for those that are about to be refused."""
    bytes_more = 0 if text.isascii() else len(text.encode("utf-8", "replace")) - len(text)
    wide = min(bytes_more, len(text))
    return min(2 + (len(text) - wide) // CHARACTERS_A_TOKEN + wide, most)


class Waiting:
    """First come, first served, but for company: the oldest text leaves with those near it in length.

    What a padded batch takes is its longest text times its texts. The oldest of all is in every batch, so that none
    waits for ever.
    """

    def __init__(self, *, tokens: int, texts: int) -> None:
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

    def take(self) -> list[Piece]:
        """Take out a batch: the oldest piece and its company; empty where nothing waits."""
        if not self._pieces:
            return []
        window = list(itertools.islice(self._pieces, WINDOW))
        chosen = self._company(window) if len(window) > 1 else window
        if len(chosen) == len(window):
            for _ in window:
                self._pieces.popleft()
        else:
            left = set(map(id, chosen))
            for _ in window:
                self._pieces.popleft()
            self._pieces.extendleft(reversed([piece for piece in window if id(piece) not in left]))
        self.tokens -= sum(piece.tokens for piece in chosen)
        return chosen

    def _company(self, window: list[Piece]) -> list[Piece]:
        """Return the oldest piece and those nearest to it in length, as far as a batch holds them."""
        order = sorted(window, key=lambda piece: piece.tokens)
        low = high = order.index(window[0])
        while high - low + 1 < min(self._most_texts, len(order)):
            below = order[low].tokens - order[low - 1].tokens if low else None
            above = order[high + 1].tokens - order[high].tokens if high + 1 < len(order) else None
            longer = below is None or (above is not None and above <= below)
            longest = order[high + 1].tokens if longer else order[high].tokens
            if longest * (high - low + 2) > self._most_tokens:
                if longer and below is not None and order[high].tokens * (high - low + 2) <= self._most_tokens:
                    longer = False
                else:
                    break
            low, high = (low, high + 1) if longer else (low - 1, high)
        return order[low : high + 1]
