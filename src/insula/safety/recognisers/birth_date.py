"""Dates of birth after a cue, or before 出生."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.checksums import is_plausible_birth_year
from insula.safety.recognisers.cues import build_cue_pattern
from insula.safety.spans import Span

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)(?![a-z])\.?"
)
_DAY = r"[0-3]?[0-9](?:st|nd|rd|th)?(?![0-9])"
_YEAR = r"(?P<{}>[12][0-9]{{3}})"
_DATE = (
    rf"(?:{_DAY}(?: of)?[ \-]{_MONTH}(?:[ ,\-]{{1,2}}{_YEAR.format('a')})?|{_MONTH} {_DAY}(?:,? {_YEAR.format('b')})?"
    rf"|{_YEAR.format('c')}[\-/.][0-9]{{1,2}}[\-/.][0-9]{{1,2}}|[0-9]{{1,2}}[\-/.][0-9]{{1,2}}[\-/.](?:{_YEAR.format('d')}|[0-9]{{2}})"
    rf"|{_YEAR.format('e')}[0-9]{{4}})(?![0-9])"
)
_DATE_ZH = (
    rf"(?:(?:{_YEAR.format('f')} ?年 ?)?[0-9]{{1,2}} ?月 ?[0-9]{{1,2}} ?[日号號]"
    rf"|{_YEAR.format('g')} ?年 ?[0-9]{{1,2}} ?月)(?![0-9])"
)
_CUE = build_cue_pattern(
    r"born(?: on)?(?: the)?|date of birth|birth ?date|b(?:irth)?day|d\.?o\.?b",
    "出生日期|出生年月日?|出生[于於在]?|生日|生[于於]",
)
_CUED = re.compile(
    rf"{_CUE}\.?(?: is| was| on|是|为|為|在|[:：=,，(（]| ){{0,4}}(?P<date>{_DATE}|{_DATE_ZH})", re.IGNORECASE
)
_BEFORE = re.compile(rf"(?P<date>(?<![0-9]){_DATE_ZH}) ?(?:出生|生人|生日(?!快)|生(?![\u4e00-\u9fff])|生的)")


def find_birth_dates(text: str) -> Iterator[Span]:
    """Yield `birth_date` spans: a day or month, with a year from 1900 on if there is one."""
    for pattern in (_CUED, _BEFORE):
        for found in pattern.finditer(text):
            years = [int(year) for name, year in found.groupdict().items() if year and name != "date"]
            if all(is_plausible_birth_year(year) for year in years):
                yield Span(*found.span("date"), "birth_date")
