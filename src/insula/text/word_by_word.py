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
_PLAIN = re.compile("[\x00-\x7f’‘“”…–—éèàçüöäñ❤\ufe0f\U0001f300-\U0001f6ff\U0001f900-\U0001f9ff]*")
# Words, with ordinary marks around them, that every one of these steps but `lowercase` leaves as they are:
# nothing is drawn out in any case, and none is among the emoticons that are made of letters alone.
INERT = re.compile(
    r"(?!(?i:.*([^.])\1\1)|.*(?:XD|QAQ|TAT))"
    r"[\"“(*]{0,2}(?:[A-Z]?[a-z]+|[A-Z]+)(?:['-][a-z]+)*(?:[.,!?\"”)*]{0,2}|\.{3})"
)
_MOST_WORDS = 200_000
_LONGEST = 40  # characters; longer words are prepared anew each time, so that memory stays small


class WordMemory:
    """The prepared form of words, as `prepare` (steps of `LOCAL_STEPS`, the last of them `whitespace`) gives it.

    inert  what `prepare` does to words that fit `INERT`, told faster; None asks `prepare` about them too
    """

    def __init__(self, prepare: Callable[[str], str], inert: Callable[[str], str] | None = None) -> None:
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
        prepare = self._inert if self._inert is not None and INERT.fullmatch(word) else self._prepare
        prepared = prepare(word)
        if prepared and len(word) <= _LONGEST:  # control characters leave nothing
            if len(self._known) >= _MOST_WORDS:
                self._known = {}
            self._known[word] = prepared
        return prepared
