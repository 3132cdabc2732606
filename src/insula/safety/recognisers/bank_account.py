"""International bank account numbers (ISO 13616)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.checksums import is_iban
from insula.safety.spans import Span

# Length by country, from the IBAN registry of SWIFT.
_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ TL OM SO",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST",
    26: "IS TR", 27: "FR GR IT MC MR SM BI DJ", 28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_BY_COUNTRY = {country: length for length, countries in _LENGTHS.items() for country in countries.split()}
_HEAD = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?=[ \-]?[0-9A-Za-z])")


def _build_body_pattern(length: int) -> re.Pattern[str]:
    """Return the pattern for the part after the check digits: without separators, or in printed groups of four."""
    body = length - 4
    last = rf"[ \-][0-9A-Za-z]{{{body % 4}}}" if body % 4 else ""
    return re.compile(
        rf"(?:[0-9A-Za-z]{{{body}}}|(?:[ \-]{{1,2}}[0-9A-Za-z]{{4}}){{{body // 4}}}{last})(?![0-9A-Za-z])"
    )


_BODIES = {length: _build_body_pattern(length) for length in {*_BY_COUNTRY.values()}}


def find_accounts(text: str) -> Iterator[Span]:
    """Yield `iban` spans: a known country, the length of its accounts, valid check digits."""
    for head in _HEAD.finditer(text):
        length = _BY_COUNTRY.get(head[0][:2].upper())
        body = _BODIES[length].match(text, head.end()) if length else None
        if body and is_iban(re.sub(r"[ \-]", "", head[0] + body[0]).upper()):
            yield Span(head.start(), body.end(), "iban", checked=True)
