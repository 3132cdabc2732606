"""Chinese number plates (GA 36), including those of new-energy vehicles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.spans import Span

_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使][A-HJ-NP-Z] ?[·•・.\-]? ?"
    r"(?:[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK]|[A-HJK][0-9]{4}[A-HJK]|[A-HJ-NP-Z0-9]{4}[港澳学警挂使领]|[A-HJ-NP-Z0-9]{5})(?![A-Z0-9])",
    re.IGNORECASE,
)
_MIN_DIGITS = 2


def find_plates(text: str) -> Iterator[Span]:
    """Yield `cn_plate` spans."""
    for found in _PLATE.finditer(text):
        if sum(character.isdigit() for character in found[0]) >= _MIN_DIGITS:
            yield Span(*found.span(), "cn_plate")
