"""Unified social credit codes of Chinese organisations (GB 32100)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.checksums import is_credit_code, is_province
from insula.safety.recognisers.cues import build_cue_pattern
from insula.safety.spans import Span

# Registering authority and type of organisation, area, organisation code, check character.
_CUE = re.compile(
    build_cue_pattern("credit code|tax|invoices?|company", "信用代码|代码|税号|识别号|开票|发票|公司|单位"),
    re.IGNORECASE,
)
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_NEAR = 24
_CODE = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9]\.)(?:1[1-39]|2[19]|3[1-59]|4[19]|5[1-39]|[67][129]|8[19]|9[1-3]|A[19]|N[1-39]|Y1)[ \-]?"
    r"([0-9]{6})[ \-]?[0-9A-Z]{9}[ \-]?[0-9A-Z](?![0-9A-Za-z])",
    re.IGNORECASE | re.ASCII,
)


def find_credit_codes(text: str) -> Iterator[Span]:
    """Yield `cn_company` spans."""
    for found in _CODE.finditer(text):
        code = re.sub(r"[ \-]", "", found[0]).upper()
        area = found[1][:2]
        if not (is_province(area) or area == "10") or not is_credit_code(code):
            continue
        # One number in 31 has a valid check character by chance: digits alone need a cue, or a valid organisation code.
        if (
            not code.isdigit()
            or _is_organisation_code(code[8:17])
            or _CUE.search(text, max(0, found.start() - _NEAR), found.start())
        ):
            yield Span(*found.span(), "cn_company", checked=True)


def _is_organisation_code(digits: str) -> bool:
    """Return whether the last of nine digits is the check digit of GB 11714 (MOD 11)."""
    check = -sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False)) % 11
    return digits[8] == str(check)
