"""Payment cards (ISO/IEC 7812): a known scheme, a length that it issues, a valid Luhn digit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from insula.safety.checksums import has_luhn_digit, is_chinese_number
from insula.safety.recognisers.digit_groups import find_numbers
from insula.safety.spans import Span

_MAESTRO = frozenset(range(12, 20))
# Kind, first and last value of the leading digits, lengths. UnionPay and older Chinese cards are bank cards.
_SCHEMES: tuple[tuple[str, str, str, frozenset[int]], ...] = (
    ("bank_card", "62", "62", frozenset((16, 17, 19))),
    ("bank_card", "81", "81", frozenset((16, 19))),
    ("bank_card", "9558", "9559", frozenset((18, 19))),
    ("card", "4", "4", frozenset((13, 16, 19))),
    ("card", "51", "55", frozenset((16,))),
    ("card", "2221", "2720", frozenset((16,))),
    ("card", "34", "34", frozenset((15,))),
    ("card", "37", "37", frozenset((15,))),
    ("card", "6011", "6011", frozenset((16, 19))),
    ("card", "644", "649", frozenset((16, 19))),
    ("card", "65", "65", frozenset((16, 19))),
    ("card", "2131", "2131", frozenset((15,))),
    ("card", "1800", "1800", frozenset((15,))),
    ("card", "6304", "6304", _MAESTRO),
    ("card", "6759", "6763", _MAESTRO),
    ("card", "3528", "3589", frozenset((16,))),
    ("card", "300", "305", frozenset((14, 16))),
    ("card", "36", "36", frozenset((14,))),
    ("card", "38", "39", frozenset((14, 16))),
    ("card", "50", "50", frozenset((16,))),
    ("card", "56", "58", frozenset((16,))),
)


def find_cards(text: str) -> Iterator[Span]:
    """Yield `card` and `bank_card` spans."""
    for start, end, digits in find_numbers(text, _find_lengths):
        kind = _find_scheme(digits)
        if kind and has_luhn_digit(digits) and len(set(digits)) > 1 and not _is_chinese_number(digits):
            yield Span(start, end, kind, checked=True)


@cache
def _find_lengths(prefix: str) -> frozenset[int]:
    """Return the lengths of the cards that start with these digits."""
    schemes = [lengths for _, first, last, lengths in _SCHEMES if first <= prefix[: len(first)] <= last]
    return frozenset().union(*schemes)


def _find_scheme(digits: str) -> str | None:
    for kind, first, last, lengths in _SCHEMES:
        if len(digits) in lengths and first <= digits[: len(first)] <= last:
            return kind
    return None


def _is_chinese_number(digits: str) -> bool:
    return len(digits) == 18 and is_chinese_number(digits)
