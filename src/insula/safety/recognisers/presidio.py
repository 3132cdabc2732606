"""Identity numbers of many countries by Presidio's patterns; its one door.

Its pattern recognisers are called one by one, without its engine: so there is no language model to load, and nothing
asks the network.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from presidio_analyzer import PatternRecognizer, predefined_recognizers

from insula.safety.presidio_kinds import PRESIDIO_KINDS
from insula.safety.readable import BLANK
from insula.safety.spans import Span

# Their digits look like those of many other numbers, and one in ten of these has the right check digit by chance.
_AFTER_A_WORD = frozenset("ca_sin de_tax_id kr_rrn pl_pesel se_personnummer th_tnin tr_national_id uk_nhs".split())
_OWN_FORM = 0.5  # from this score of a pattern on, Presidio holds that no check digit is needed
_CHECKED_FORM = 0.3  # from this on, a check digit is enough
_NEAR = 40
# A part of a longer number, an ISBN for one, is no number of its own.
_BEGINS = re.compile(r"(?<![0-9A-Za-z])(?<![0-9][.\-])")
_ENDS = re.compile(r"(?![0-9A-Za-z]|[.\-][0-9])")
_SHORTEST_WORD = 3  # "us" says nothing about a passport
# The Italian recogniser raises on digits of other scripts; and beside Chinese letters no number would begin.
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def numbers(text: str) -> Iterator[Span]:
    """Yield spans of `PRESIDIO_KINDS`: what its form or check digit tells, or a word of Presidio's before it."""
    plain = _NOT_ASCII.sub(BLANK, text)
    for kind, recogniser, words in _recognisers():
        for found in recogniser.analyze(plain, recogniser.supported_entities):
            if not (_BEGINS.match(plain, found.start) and _ENDS.match(plain, found.end)):
                continue
            why = found.analysis_explanation
            checked = why.validation_result is True
            tells = why.original_score >= (_CHECKED_FORM if checked else _OWN_FORM) and kind not in _AFTER_A_WORD
            if tells or words.search(text, max(0, found.start - _NEAR), found.start):
                yield Span(found.start, found.end, kind, checked)


@cache
def _recognisers() -> tuple[tuple[str, Any, re.Pattern[str]], ...]:
    """Return kind, Presidio's recogniser of it, and the words that announce one."""
    found = []
    for name in predefined_recognizers.__all__:
        member = getattr(predefined_recognizers, name)
        if inspect.isclass(member) and issubclass(member, PatternRecognizer):
            recogniser: Any = member()
            kind = recogniser.supported_entities[0].lower()
            if kind in PRESIDIO_KINDS:
                found.append((kind, recogniser, _any_of(recogniser.context)))
    return tuple(found)


def _any_of(words: list[str]) -> re.Pattern[str]:
    told = "|".join(re.escape(word) for word in words if len(word) >= _SHORTEST_WORD)
    return re.compile(rf"(?<![A-Za-z])(?:{told})(?![A-Za-z])", re.IGNORECASE)
