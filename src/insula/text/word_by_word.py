"""Prepares plain text word by word with a cache, since most words of a text have been seen before."""

from __future__ import annotations

import re
from collections.abc import Callable

LOCAL_STEPS = frozenset(
    {"html", "unicode", "urls", "users", "elongation", "emoji", "lowercase", "segment", "whitespace"}
)
"""Steps that treat each word of a plain text independently of its neighbours."""

# Common characters beyond ASCII that no step reads together with their neighbours: no joiners, no combining marks, and
# no Chinese, which decides the language of a whole text.
_PLAIN = re.compile("[\x00-\x7f’‘“”…–—éèàçüöäñ❤\ufe0f\U0001f300-\U0001f6ff\U0001f900-\U0001f9ff]*")
# Words with ordinary marks around them that no step except `lowercase` changes: they have no elongated letters and are
# not emoticons made of letters.
INERT = re.compile(
    r"(?!(?i:.*([^.])\1\1)|.*(?:XD|QAQ|TAT))"
    r"[\"“(*]{0,2}(?:[A-Z]?[a-z]+|[A-Z]+)(?:['-][a-z]+)*(?:[.,!?\"”)*]{0,2}|\.{3})"
)
_MAX_WORDS = 200_000
_MAX_LENGTH = 40  # characters; longer words are not cached, to bound the memory


class PreparedWordCache:
    """Caches the prepared form of words; `prepare` applies steps of `LOCAL_STEPS`, the last of them `whitespace`.

    inert  does the same as `prepare` for words that match `INERT`, but faster; None uses `prepare` for them too
    """

    def __init__(self, prepare: Callable[[str], str], inert: Callable[[str], str] | None = None) -> None:
        self._prepare = prepare
        self._inert = inert
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Return the same as `prepare(text)`."""
        if "&" in text or "<" in text or not (text.isascii() or _PLAIN.fullmatch(text)):  # no markup, no entities
            return self._prepare(text)
        known, words = self._known, text.split()
        try:
            return " ".join([known[word] for word in words])
        except KeyError:
            prepared = [known.get(word) or self._add(word) for word in words]
            return " ".join([word for word in prepared if word])

    def _add(self, word: str) -> str:
        prepare = self._inert if self._inert is not None and INERT.fullmatch(word) else self._prepare
        prepared = prepare(word)
        if prepared and len(word) <= _MAX_LENGTH:  # control characters leave nothing
            if len(self._known) >= _MAX_WORDS:
                self._known = {}
            self._known[word] = prepared
        return prepared
