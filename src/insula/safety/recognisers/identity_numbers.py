"""Identity numbers of residents of China (GB 11643)."""

from __future__ import annotations

from collections.abc import Iterator

from insula.safety.checksums import is_chinese_number, is_province
from insula.safety.recognisers.digit_groups import written_numbers
from insula.safety.spans import Span

_LENGTH = (18,)


def chinese_numbers(text: str) -> Iterator[Span]:
    """Yield `cn_id` spans: a known province, a possible date of birth, a valid check character."""
    for start, end, number in written_numbers(
        text, lambda prefix: _LENGTH if is_province(prefix[:2]) else (), last="Xx"
    ):
        if is_chinese_number(number.upper()):
            yield Span(start, end, "cn_id", checked=True)
