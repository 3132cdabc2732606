"""`check_reply`: whether a reply may be sent, and what it must not say. A failed check stops the reply."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from insula.safety.signals.patterns import LANGUAGES, CancellablePattern, read_table
from insula.safety.signals.plain_text import FoldedText

ReplyFault = Literal[
    "diagnosis", "medication", "promise", "claims_feeling", "claims_human", "blame", "minimising", "toxic_positivity",
    "stereotype", "harm", "insult", "secrets",
]  # fmt: skip
FAULTS: tuple[ReplyFault, ...] = get_args(ReplyFault)
SECONDS = 1.0
MAX_CHARACTERS = 20_000
_log = logging.getLogger("insula.safety")


@dataclass(frozen=True, order=True)
class ReplySpan:
    """Words that a reply must not have: offsets, the fault, and the name of the rule, such as `en.promise.2`."""

    start: int
    end: int
    fault: ReplyFault
    rule: str


@dataclass(frozen=True)
class ReplyCheck:
    """The check of a reply.

    allowed   whether the reply may be sent; False, too, if it could not be checked
    faults    what is wrong with it
    spans     the words that show it, in order
    reasons   a sentence for each fault
    failure   why the reply could not be checked, None if it was
    """

    allowed: bool
    faults: tuple[ReplyFault, ...] = ()
    spans: tuple[ReplySpan, ...] = ()
    reasons: tuple[str, ...] = ()
    failure: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the text."""
        return {
            "allowed": self.allowed,
            "faults": list(self.faults),
            "spans": [vars(span) for span in self.spans],
            "reasons": list(self.reasons),
            "failure": self.failure,
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the check that `to_dict` describes."""
        spans = tuple(ReplySpan(**span) for span in row["spans"])
        return cls(row["allowed"], tuple(row["faults"]), spans, tuple(row["reasons"]), row["failure"])


@dataclass(frozen=True)
class _Rule:
    name: str
    fault: ReplyFault
    pattern: CancellablePattern


def check_reply(text: str, *, seconds: float = SECONDS) -> ReplyCheck:
    """Check whether a reply in English or Chinese may be sent to a person.

    A reply is stopped for a diagnosis, advice on medication, a promise, a claim to feel or to be human, blame, words
    that make the trouble small, toxic positivity, a stereotype, an insult, for asking for passwords, codes or money in
    advance, and for anything that encourages harm.

    seconds  time limit; a check that takes longer has failed

    What was stopped and why goes to the log `insula.safety` at the level INFO, without any part of the text.
    """
    try:
        result = _check_text(text, time.perf_counter() + seconds)
    except TimeoutError:
        result = _build_failed_check(f"The check took longer than {seconds:g} s.")
    except Exception as error:  # noqa: BLE001 - a reply that could not be checked is not sent, whatever the cause
        result = _build_failed_check(f"The check failed ({type(error).__name__}).")
    if not result.allowed:
        rules = ",".join(sorted({span.rule for span in result.spans}))
        _log.info("reply stopped: faults=%s rules=%s failure=%s", ",".join(result.faults), rules, result.failure)
    return result


def _build_failed_check(failure: str) -> ReplyCheck:
    return ReplyCheck(False, reasons=(f"{failure} The reply is not sent.",), failure=failure)


def _check_text(text: str, deadline: float) -> ReplyCheck:
    if len(text) > MAX_CHARACTERS:
        return _build_failed_check(f"The reply has more than {MAX_CHARACTERS:,} characters.")
    plain = FoldedText(text)
    spans: set[ReplySpan] = set()
    for language in LANGUAGES:
        for rule in _load_rules(language):
            match = rule.pattern.search(plain.text)
            if match is not None:
                spans.add(ReplySpan(*plain.span(*match.span()), rule.fault, rule.name))
            if time.perf_counter() > deadline:
                raise TimeoutError
    faults = tuple(fault for fault in FAULTS if any(span.fault == fault for span in spans))
    reasons = tuple(_load_table("en")["reasons"][fault] for fault in faults)
    return ReplyCheck(not spans, faults, tuple(sorted(spans)), reasons)


@functools.cache
def _load_table(language: str) -> dict[str, Any]:
    return read_table(__package__, language)


@functools.cache
def _load_rules(language: str) -> tuple[_Rule, ...]:
    table = _load_table(language)
    return tuple(
        _Rule(
            f"{language}.{fault}.{number}",
            fault,
            CancellablePattern.parse(line, words=table["words"], language=language),
        )
        for fault in FAULTS
        for number, line in enumerate(table["faults"][fault], 1)
    )
