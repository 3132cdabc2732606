"""Identity numbers of many countries by Presidio's patterns. Only this module imports Presidio.

It calls Presidio's pattern recognisers one by one, without its engine, which would load a language model and fetch a
list of domains.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from presidio_analyzer import PatternRecognizer, predefined_recognizers

from insula.safety.normalized_text import BLANK
from insula.safety.presidio_kinds import PRESIDIO_KINDS
from insula.safety.spans import Span

# Many other numbers look the same, and one in ten of them has a valid check digit by chance.
_NEEDS_CUE = frozenset("ca_sin de_tax_id kr_rrn pl_pesel se_personnummer th_tnin tr_national_id uk_nhs".split())
_CLEAR_SCORE = 0.5  # from this score on, the pattern needs no check digit
_CHECKED_SCORE = 0.3  # from this score on, a valid check digit is enough
_NEAR = 40
# A part of a longer number, such as an ISBN, is no number of its own.
_NUMBER_START = re.compile(r"(?<![0-9A-Za-z])(?<![0-9][.\-])")
_NUMBER_END = re.compile(r"(?![0-9A-Za-z]|[.\-][0-9])")
_MIN_CUE_LETTERS = 3  # "us" is no cue for a passport
# Presidio's Italian recogniser raises on digits of other scripts, and its patterns find no number next to Chinese.
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def find_presidio_numbers(text: str) -> Iterator[Span]:
    """Yield spans of `PRESIDIO_KINDS`: numbers with a clear form, a valid check digit, or a cue before them."""
    plain = _NOT_ASCII.sub(BLANK, text)
    for kind, recogniser, cues in _build_recognisers():
        for found in recogniser.analyze(plain, recogniser.supported_entities):
            if not (_NUMBER_START.match(plain, found.start) and _NUMBER_END.match(plain, found.end)):
                continue
            reason = found.analysis_explanation
            checked = reason.validation_result is True
            is_clear = reason.original_score >= (_CHECKED_SCORE if checked else _CLEAR_SCORE) and kind not in _NEEDS_CUE
            if is_clear or cues.search(text, max(0, found.start - _NEAR), found.start):
                yield Span(found.start, found.end, kind, checked)


@cache
def _build_recognisers() -> tuple[tuple[str, Any, re.Pattern[str]], ...]:
    """Return kind, Presidio's recogniser of it, and the pattern of its cues."""
    found = []
    for name in predefined_recognizers.__all__:
        member = getattr(predefined_recognizers, name)
        if inspect.isclass(member) and issubclass(member, PatternRecognizer):
            recogniser: Any = member()
            kind = recogniser.supported_entities[0].lower()
            if kind in PRESIDIO_KINDS:
                found.append((kind, recogniser, _compile_any_of(recogniser.context)))
    return tuple(found)


def _compile_any_of(words: list[str]) -> re.Pattern[str]:
    cues = "|".join(re.escape(word) for word in words if len(word) >= _MIN_CUE_LETTERS)
    return re.compile(rf"(?<![A-Za-z])(?:{cues})(?![A-Za-z])", re.IGNORECASE)
