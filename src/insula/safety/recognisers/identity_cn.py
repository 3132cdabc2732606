"""Chinese resident identity numbers (GB 11643)."""

from __future__ import annotations

from collections.abc import Iterator

from insula.safety.checksums import identity_number
from insula.safety.recognisers.digit_groups import written_numbers
from insula.safety.spans import Span

_LENGTH = frozenset((18,))


def identity_numbers(text: str) -> Iterator[Span]:
    """Yield `cn_id` spans: a known province, a real day of birth, the right check sign."""
    for start, end, number in written_numbers(text, _LENGTH, last="Xx"):
        if identity_number(number.upper()):
            yield Span(start, end, "cn_id", checked=True)
