"""`NormalizedText`: a text as a person reads it, for the recognisers, with a map back to offsets of the original."""

from __future__ import annotations

import re
import unicodedata

BLANK = "\ue000"  # replaces masked characters: neither letter, digit nor space
_INVISIBLE = re.compile(r"[\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+")
# Chinese punctuation separates values; as ASCII it would look like a part of them.
_KEPT_FULL_WIDTH = "，：；（）！？～"
_FULL_WIDTH = {
    code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code) not in _KEPT_FULL_WIDTH
}  # fmt: skip
_SPACES = dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-")
_STYLED = {
    code: unicodedata.normalize("NFKC", chr(code))
    for code in (*range(0x1D400, 0x1D800), *range(0x2460, 0x2469), *range(0x2080, 0x208A))
    if len(unicodedata.normalize("NFKC", chr(code))) == 1
}
_TABLE: dict[int, int | str] = {**_FULL_WIDTH, **_SPACES, **_DASHES, **_STYLED}


class NormalizedText:
    """A text with plain letters, digits, spaces and dashes, and without invisible characters.

    Every character of `text` comes from exactly one character of the original; `span` maps offsets back.
    """

    def __init__(self, original: str) -> None:
        plain = original if original.isascii() else original.translate(_TABLE)
        self._segments: list[tuple[int, int]] = []  # start of each segment without gaps: in `text`, in the original
        if not original.isascii() and _INVISIBLE.search(plain):
            parts, at, length = [], 0, 0
            for gap in _INVISIBLE.finditer(plain):
                self._segments.append((length, at))
                parts.append(plain[at : gap.start()])
                length += gap.start() - at
                at = gap.end()
            self._segments.append((length, at))
            plain = "".join((*parts, plain[at:]))
        self.text = plain

    def map_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the offsets in the original of the characters `start` to `end` (exclusive) of `text`."""
        return self._map_position(start), self._map_position(end - 1) + 1

    def _map_position(self, position: int) -> int:
        if not self._segments:
            return position
        low, high = 0, len(self._segments)
        while high - low > 1:  # the last segment that starts at or before the position
            middle = (low + high) // 2
            low, high = (middle, high) if self._segments[middle][0] <= position else (low, middle)
        start, at = self._segments[low]
        return at + position - start
