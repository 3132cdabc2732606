"""View model of a case: its risk and deadline in words, the text with the words behind its prediction marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from insula.core.scheme import LabelScheme
from insula.operations.handoff.cases import Case, CaseEvent
from insula.safety.signals.result import LEVELS
from insula.serving.pages.words import Translator

SIGN = "▲"
SHOWN = 160  # characters of a text in the list


@dataclass(frozen=True)
class CaseLine:
    """A case in the list.

    sign     one to three triangles for a risk: nobody needs to see colours
    is_late  whether it is not closed and its deadline is over
    """

    id: int
    sign: str
    risk: str
    due: str
    is_late: bool
    state: str
    queue: str
    text: str


@dataclass(frozen=True)
class TextPiece:
    """A piece of the text; `is_marked` for a word behind the prediction."""

    text: str
    is_marked: bool


@dataclass(frozen=True)
class CaseView:
    """A case with everything that an agent needs.

    facts   names and values
    turns   speakers and texts of what came before, the oldest first
    steps   what the agent may do: names of steps
    events  sentences, the oldest first
    """

    line: CaseLine
    facts: Sequence[tuple[str, str]]
    speaker: str
    turns: Sequence[tuple[str, str]]
    pieces: Sequence[TextPiece]
    no_text: str
    reason: str
    steps: Sequence[str]
    events: Sequence[str]


def build_case_line(case: Case, now: datetime, say: Translator) -> CaseLine:
    """Return the line of a case in the words of a language."""
    is_late = case.state != "closed" and (case.due <= now or case.escalated is not None)
    due = ""
    if case.state != "closed":
        wait = say.format_wait(round(abs((case.due - now).total_seconds())))
        due = say("due_late" if is_late else "due_in", wait=wait)
    text = " ".join((case.text or _explain_missing_text(case, say)).split())
    return CaseLine(
        id=case.id,
        sign=SIGN * LEVELS.index(case.risk),
        risk=say(f"risk_{case.risk}"),
        due=due,
        is_late=is_late,
        state=_describe_state(case, now, say),
        queue=case.queue,
        text=text if len(text) <= SHOWN else f"{text[:SHOWN].rstrip()}…",
    )


def build_case_view(
    case: Case, events: Sequence[CaseEvent], now: datetime, agent: str, scheme: LabelScheme, say: Translator
) -> CaseView:
    """Return the view of a case for an agent in the words of a language; `scheme` has the names of labels."""
    line = build_case_line(case, now, say)
    facts = {
        "case_risk": f"{line.sign} {line.risk}".strip(),
        "case_due": f"{say.format_time(case.due)}{say('aside', words=line.due)}" if line.due else "",
        "case_state": line.state,
        "case_message": say("case_in", message=case.message, source=case.source) if case.source else case.message,
        "case_queue": case.queue,
        "case_predicted": _describe_prediction(case, scheme, say),
        "case_words": say("comma").join(case.words),
        "case_target": case.target or "",
        "case_rule": case.rule or "",
        "case_tags": say("comma").join(case.tags),
        "case_customer": say("comma").join(
            say("case_field", name=name, value=value) for name, value in (case.customer or {}).items()
        ),
        "case_note": case.note or "",
    }
    return CaseView(
        line=line,
        facts=[(say(name), value) for name, value in facts.items() if value],
        speaker=say("case_speaker", speaker=case.speaker) if case.speaker else "",
        turns=[
            (say("case_speaker", speaker=turn["speaker"]) if "speaker" in turn else "", turn.get("text", ""))
            for turn in case.turns
        ],
        pieces=list(_iterate_pieces(case)),
        no_text="" if case.text else _explain_missing_text(case, say),
        reason=case.reason or "",
        steps=_list_steps(case, agent),
        events=[
            say("case_event", time=say.format_time(one.time), event=say(f"event_{one.event}"), actor=one.actor)
            for one in events
        ],
    )


def _list_steps(case: Case, agent: str) -> list[str]:
    if case.state == "closed":
        return ["reopen"]
    if case.state == "waiting":
        return ["claim", "move"]
    return ["done", "release", "renew", "move"] if case.agent == agent else ["move"]


def _describe_state(case: Case, now: datetime, say: Translator) -> str:
    if case.state == "closed":
        return say("state_closed", agent=case.agent, outcome=case.outcome)
    if case.state == "claimed" and case.lease_until is not None:
        wait = say.format_wait(max(0, round((case.lease_until - now).total_seconds())))
        return say("state_claimed", agent=case.agent, wait=wait)
    return say("state_waiting")


def _explain_missing_text(case: Case, say: Translator) -> str:
    return say("case_no_text" if case.erased is None else "case_erased")


def _describe_prediction(case: Case, scheme: LabelScheme, say: Translator) -> str:
    answer = case.answer or {}
    if answer.get("abstained"):
        return say("case_unsure")
    known = set(scheme.names)
    labels = say("comma").join(
        scheme.display_name(label, say.language) if label in known else label for label in answer.get("labels") or ()
    )
    confidence = answer.get("confidence")
    if not labels or not isinstance(confidence, float):
        return labels
    return say("case_confidence", labels=labels, share=say.format_share(confidence))


def _iterate_pieces(case: Case) -> Iterator[TextPiece]:
    """Yield the text in pieces; words behind the prediction are separate pieces."""
    text = case.text or ""
    if not case.words:
        if text:
            yield TextPiece(text, False)
        return
    # Longer words first, and whole words where the script has spaces: "no" is not marked in "nobody".
    wanted = sorted(map(re.escape, case.words), key=len, reverse=True)
    end = 0
    for found in re.finditer(rf"(?<![A-Za-z])(?:{'|'.join(wanted)})(?![A-Za-z])", text, re.IGNORECASE):
        if found.start() > end:
            yield TextPiece(text[end : found.start()], False)
        yield TextPiece(found[0], True)
        end = found.end()
    if end < len(text):
        yield TextPiece(text[end:], False)
