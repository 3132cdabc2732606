"""Chinese mobile numbers, and landlines with their area code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.spans import Span

_COUNTRY_CODE = r"(?:(?:\+|00)?86[ \-]{0,2}|[(（](?:\+|00)?86[)）][ \-]{0,2})?"
_MOBILE = re.compile(
    rf"(?<![0-9A-Za-z+#])(?<![0-9][.\-]){_COUNTRY_CODE}"
    r"1(?:3[0-9]|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])"
    r"(?:[0-9]{8}|(?P<separator>[ .\-])[0-9]{4}(?P=separator)[0-9]{4}|[0-9][ .\-][0-9]{3}[ .\-][0-9]{4}"
    r"|[ .\-][0-9]{3}[ .\-][0-9]{5}|[ .\-][0-9]{8}|[0-9]{4}[ .\-][0-9]{4})(?![0-9]|[.\-][0-9])"
)
_SPELT = re.compile(r"(?<![0-9] )(?<![0-9])1[ \-][3-9](?:[ \-][0-9]){9}(?![ \-]?[0-9])")
_LANDLINE = re.compile(
    r"(?<![0-9A-Za-z+\-])(?<![0-9] )(?:(?:\+|00)?86[ \-]{1,2})?(?:[(（]0[1-9][0-9]{1,2}[)）] ?-?|0[1-9][0-9]{1,2}[ \-])"
    r"[2-8][0-9]{2,3}[ \-]?[0-9]{4}(?![0-9])(?:(?:-|转| ?ext\.? ?)[0-9]{1,5}(?![0-9]))?(?!-[0-9])"
)
_UNDIVIDED = re.compile(
    r"(?:电话|座机|致电|拨打?|(?<![A-Za-z])(?:Tel|TEL)|传真)"
    r"[ :：是]{0,3}(?P<number>0[1-9][0-9]{1,2}[2-8][0-9]{6,7})(?![0-9])"
)
_AREA_CODE = re.compile(r"[(（]?(?:0(?:10|2[0-57-9])|0[3-9][0-9]{2})")


def find_phone_numbers(text: str) -> Iterator[Span]:
    """Yield `phone` spans."""
    for pattern in (_MOBILE, _SPELT):
        for found in pattern.finditer(text):
            yield Span(*found.span(), "phone")
    for found in _LANDLINE.finditer(text):
        if _AREA_CODE.match(re.sub(r"\A(?:\+|00)?86[ \-]{1,2}", "", found[0])):
            yield Span(*found.span(), "phone")
    for found in _UNDIVIDED.finditer(text):
        yield Span(*found.span("number"), "phone")
