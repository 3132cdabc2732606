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
_MOST_WORDS = 200_000
_LONGEST = 40  # characters; longer words are prepared anew each time, so that memory stays small


class WordMemory:
    """The prepared form of words, as `prepare` (steps of `LOCAL_STEPS`, the last of them `whitespace`) gives it."""

    def __init__(self, prepare: Callable[[str], str]) -> None:
        self._prepare = prepare
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
        prepared = self._prepare(word)
        if prepared and len(word) <= _LONGEST:  # control characters leave nothing
            if len(self._known) >= _MOST_WORDS:
                self._known = {}
            self._known[word] = prepared
        return prepared
