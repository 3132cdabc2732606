"""A text as a person reads it, for recognisers, with the way back to where each character stands in the original."""

from __future__ import annotations

import re
import unicodedata

BLANK = "\ue000"  # stands where something is masked already: neither letter, digit nor space
_INVISIBLE = re.compile(r"[\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+")
# Chinese writes with ，：（）; as ASCII they would join what they part.
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


class Readable:
    """`text` has plain letters, digits, spaces and dashes, and nothing invisible; `span` leads back to the original.

    Every character of `text` comes from one of the original, so that both grow alike.
    """

    def __init__(self, original: str) -> None:
        plain = original if original.isascii() else original.translate(_TABLE)
        self._kept: list[tuple[int, int]] = []  # where a stretch without gaps begins: in `text`, in the original
        if not original.isascii() and _INVISIBLE.search(plain):
            parts, at, length = [], 0, 0
            for gap in _INVISIBLE.finditer(plain):
                self._kept.append((length, at))
                parts.append(plain[at : gap.start()])
                length += gap.start() - at
                at = gap.end()
            self._kept.append((length, at))
            plain = "".join((*parts, plain[at:]))
        self.text = plain

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where characters `start` to `end` (exclusive) of `text` stand in the original."""
        return self._original(start), self._original(end - 1) + 1

    def _original(self, position: int) -> int:
        if not self._kept:
            return position
        low, high = 0, len(self._kept)
        while high - low > 1:  # the last stretch that begins at or before the position
            middle = (low + high) // 2
            low, high = (middle, high) if self._kept[middle][0] <= position else (low, middle)
        begins, at = self._kept[low]
        return at + position - begins
