"""`FoldedText`: a message as the rules read it, in spite of unusual spellings, and the way back to the original."""

from __future__ import annotations

import re
import unicodedata
from array import array

from insula.safety.signals.characters import LOOKALIKE, SIMPLIFIED

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_SPACE = re.compile(r"\s+")
_APOSTROPHE = re.compile(r"(?<=[a-z])['`](?=[a-z])")
# k i l l, s.u.i.c.i.d.e, k-i-l-l
_SPACED_OUT = re.compile(r"(?<![a-z0-9])[a-z](?: ?[ .\-_*/|+,][ .]?[a-z](?![a-z])){3,}")
_NOT_LETTERS = re.compile(r"[^a-z]+")
# 自 杀, 自*杀, 自.杀: no punctuation of Chinese, which ends a clause
_INSIDE_CHINESE = re.compile(rf"(?<=[{_HAN}])[ .*·•\-_/|~+^&#\"']{{1,3}}(?=[{_HAN}])")
_LEET = re.compile(
    r"(?<=[a-z])[013457@$!*](?=[a-z])|(?<![a-z0-9])[13457@$](?=[a-z]{2})|(?<=[a-z]{2})[013457](?![a-z0-9.])"
)
_LEET_LETTERS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "*": "i"}
_REPEATED = re.compile(r"([a-z])\1{2,}")
_DROPPED = {"Mn", "Me", "Cf", "Cc"}


class FoldedText:
    """A message in lower case without accents, invisible characters and apostrophes inside words (can't, cant).

    Letters of other alphabets that look like Latin ones become these, traditional characters simplified ones; letters
    with blanks or dots between them are joined, digits inside words read as letters (k1ll). `span` maps offsets back.
    """

    def __init__(self, original: str) -> None:
        self._offsets = array("l")
        self._length = len(original)
        if original.isascii():
            self.text = original.lower()
            self._offsets.extend(range(len(original)))
        else:
            self.text = self._with_plain_characters(original)
        self._replace(_SPACE, lambda found: " ")
        self._replace(_APOSTROPHE, lambda found: "")
        self._replace(_SPACED_OUT, lambda found: _NOT_LETTERS.sub("", found[0]))
        if not self.text.isascii():
            self._replace(_INSIDE_CHINESE, lambda found: "")
        self._replace(_LEET, lambda found: _LEET_LETTERS[found[0]])
        # Killll and dieee: a run of l, o or s stands for two, of other letters for one.
        self._replace(_REPEATED, lambda found: found[1] * (2 if found[1] in "los" else 1))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the offsets in the original of the characters `start` to `end` (exclusive) of `text`."""
        if end <= start:
            return self._length, self._length
        return self._offsets[start], self._offsets[end - 1] + 1

    def _with_plain_characters(self, original: str) -> str:
        characters: list[str] = []
        for place, character in enumerate(original):
            for plain in _to_plain(character):
                characters.append(plain)
                self._offsets.append(place)
        return "".join(characters)

    def _replace(self, pattern: re.Pattern[str], replacement: object) -> None:
        """Replace each match by the result of `replacement`, which is no longer than the match; keep the offsets."""
        parts: list[str] = []
        offsets = array("l")
        at = 0
        for found in pattern.finditer(self.text):
            new = replacement(found)  # type: ignore[operator]
            if new == found[0]:
                continue
            parts += (self.text[at : found.start()], new)
            offsets.extend(self._offsets[at : found.start()])
            offsets.extend(self._offsets[found.start() : found.start() + len(new)])
            at = found.end()
        if at:
            self.text = "".join((*parts, self.text[at:]))
            offsets.extend(self._offsets[at:])
            self._offsets = offsets


def _to_plain(character: str) -> str:
    """Return the plain form of a character: usually one character, none for an invisible one."""
    if character.isascii():
        return character.lower()
    known = _KNOWN.get(character)
    if known is None:
        known = _KNOWN[character] = _look_up(character)
    return known


def _look_up(character: str) -> str:
    if (simple := SIMPLIFIED.get(character)) is not None:
        return simple
    wide = unicodedata.normalize("NFKD", character).lower()
    kept = "".join(
        LOOKALIKE.get(one, one) for one in wide if one.isspace() or unicodedata.category(one) not in _DROPPED
    )
    return SIMPLIFIED.get(kept, kept) if kept else ""


_KNOWN: dict[str, str] = {}
