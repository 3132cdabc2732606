"""Phone numbers: international ones, and national ones of North America and Britain."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from insula.safety.recognisers.cues import build_cue_pattern
from insula.safety.spans import Span

_EXTENSION = r"(?:,? ?(?:ext\.?|extension|x|#) ?[0-9]{1,5}(?![0-9]))?"
_INTERNATIONAL = re.compile(
    rf"(?<![0-9A-Za-z+])(?<![0-9][ .\-])\(?(?:\+|00(?=[1-9])) ?[1-9]"
    rf"(?:[ .\-/]{{0,2}}\(?[0-9]\)?){{6,14}}+(?![0-9]){_EXTENSION}",
    re.IGNORECASE,
)
_AMERICAN = re.compile(
    r"(?<![0-9A-Za-z#$€£.,/+\-])(?:\+?1[ .\-])?"
    r"(?:\([2-9][0-9]{2}\) ?[.\-]?|[2-9][0-9]{2}(?P<mark>[ .\-]))[2-9][0-9]{2}(?(mark)(?P=mark)|[ .\-])[0-9]{4}"
    rf"(?![0-9]|[.\-/][0-9]){_EXTENSION}",
    re.IGNORECASE,
)
_BRITISH = re.compile(
    r"(?<![0-9A-Za-z#$€£.,/+\-])(?<![0-9] )(?:\(?0(?:2[0-9]|1[0-9]{2,4}|7[0-9]{3}|[38][0-9]{2})"
    r"\)?[ \-][0-9]{3,4}[ \-]?[0-9]{3,4}|07[0-9]{9})"
    rf"(?![0-9]|[ .\-/][0-9]){_EXTENSION}",
    re.IGNORECASE,
)
_UNDIVIDED = re.compile(r"(?<![0-9A-Za-z#$€£.,/+\-])1?[2-9][0-9]{2}[2-9][0-9]{6}(?![0-9A-Za-z]|[.\-/][0-9])")
# After "her phone number is" any digits of the usual length are a number.
_CUED = re.compile(
    build_cue_pattern(
        "phone|telephone|mobile|cell|fax|tel|call(?:ing)? (?:me|us|him|her)|text me|reach(?:ed)? (?:me |us )?(?:at|on)"
        "|my number"
    )
    + r"(?: number| no)?(?: is| at| on|[:.：])? {0,2}"
    r"(?P<number>\(?[0-9](?:[ .\-/]?[()]? ?[0-9]){6,12})(?![0-9]|[ .\-/:][0-9])",
    re.IGNORECASE,
)
_CUE = re.compile(
    build_cue_pattern(
        "(?:tele)?phones?|phoned|phoning|call(?:s|ed|ing|er)?|rings?|ringing|rang|text(?:s|ed|ing)?|tel|cell(?:phone)?|mobile"
        "|fax|dial(?:s|ed|ing)?|sms|whats ?app|landline|contact(?:s|ed|ing)?|numbers?",
        "电话|手机|致电|拨|联系",
    ),
    re.IGNORECASE,
)
_NEAR = 40


def find_phone_numbers(text: str) -> Iterator[Span]:
    """Yield `phone` spans that are valid in a numbering plan; after a cue such as "call" a possible one is enough."""
    for found in _INTERNATIONAL.finditer(text):
        written = found[0]
        start, end = found.span()
        if written.startswith("(") and written.count("(") > written.count(")"):
            start += 1
        plus = re.sub(r"\(0\)", "", text[start:end])
        plus = "+" + plus.lstrip("(+ ").removeprefix("00") if "+" not in plus[:2] else plus
        if _is_number(plus, None, lenient=bool(re.search(r"[ .\-(]", written)) or _has_cue(text, start)):
            yield Span(start, end, "phone")
    for pattern, region in ((_AMERICAN, "US"), (_BRITISH, "GB")):
        for found in pattern.finditer(text):
            if _is_number(found[0], region, lenient=_has_cue(text, found.start())):
                yield Span(*found.span(), "phone")
    for found in _CUED.finditer(text):
        yield Span(*found.span("number"), "phone")
    for found in _UNDIVIDED.finditer(text):
        if _has_cue(text, found.start()) and _is_number(found[0], "US", lenient=False):
            yield Span(*found.span(), "phone")


def _has_cue(text: str, start: int) -> bool:
    return bool(_CUE.search(text, max(0, start - _NEAR), start))


def _is_number(written: str, region: str | None, *, lenient: bool) -> bool:
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return False
    check = phonenumbers.is_possible_number if lenient else phonenumbers.is_valid_number
    return check(number)
