"""Preparing plain text word by word, and each word once: most words of a text have been seen before."""

from __future__ import annotations

import re
from collections.abc import Callable

LOCAL_STEPS = frozenset(
    {"html", "unicode", "urls", "users", "elongation", "emoji", "lowercase", "segment", "whitespace"}
)
"""Steps that do nothing across white space, where the text is plain."""

# What many texts have beside ASCII, and no step reads together with its neighbours: no joiners, no marks that stand on
# other letters, no Chinese, which tells the language of a whole text.
_PLAIN = re.compile(r"[\x00-\x7f’‘“”…–—éèàçüöäñ]*")
# Lower-case words, at most with one mark behind them, that every one of these steps leaves as they are: no emoticon is
# made of small letters alone, and nothing is drawn out.
INERT = re.compile(r"(?!.*(.)\1\1)[a-z]+(?:'[a-z]+)?[.,!?]?")
_MOST_WORDS = 200_000
_LONGEST = 40  # characters; longer words are prepared anew each time, so that memory stays small


class WordMemory:
    """The prepared form of words, as `prepare` (steps of `LOCAL_STEPS`, the last of them `whitespace`) gives it.

    inert  fits words that `prepare` leaves as they are, which it is then not asked; None knows of none
    """

    def __init__(self, prepare: Callable[[str], str], inert: re.Pattern[str] | None = None) -> None:
        self._prepare = prepare
        self._inert = inert
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Return what `prepare` gives for the whole text."""
        if "&" in text or "<" in text or not (text.isascii() or _PLAIN.fullmatch(text)):  # no markup, no entities
            return self._prepare(text)
        known, words = self._known, text.split()
        try:
            return " ".join([known[word] for word in words])
        except KeyError:
            prepared = [known.get(word) or self._learn(word) for word in words]
            return " ".join([word for word in prepared if word])

    def _learn(self, word: str) -> str:
        same = self._inert is not None and self._inert.fullmatch(word)
        prepared = word if same else self._prepare(word)
        if prepared and len(word) <= _LONGEST:  # control characters leave nothing
            if len(self._known) >= _MOST_WORDS:
                self._known = {}
            self._known[word] = prepared
        return prepared
