"""Notifications about cases: the data sent when a case is opened, late, reassigned, closed or reopened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from insula.operations.handoff.cases import Case
from insula.operations.outbox.outbox import Notification

NOTIFIED = ("opened", "escalated", "reassigned", "closed", "reopened")
"""The events of a case that receivers are notified of."""
EVENTS = tuple(f"case.{event}" for event in NOTIFIED)
WORDS = ("text", "turns", "speaker", "target", "customer", "reason", "note", "words")
"""Words of people, and quotations: masked, and only in notifications of receivers that ask for texts."""


def build_notification(case: Case, event: str, actor: str, facts: Mapping[str, Any]) -> Notification:
    """Return the notification of an event, without a word of the message."""
    kept = {name: value for name, value in case.to_dict().items() if name not in WORDS and name != "id"}
    data = {"case": case.id, **kept, "actor": actor, "facts": dict(facts)}
    return Notification(f"case.{event}", f"case {case.id}.{case.version}", _SUMMARIES[event](case, actor, facts), data)


def _summarise_opening(case: Case, actor: str, facts: Mapping[str, Any]) -> str:
    return f"Case {case.id} was opened in the queue {case.queue}: risk {case.risk}, due {_format_time(case.due)}."


def _summarise_lateness(case: Case, actor: str, facts: Mapping[str, Any]) -> str:
    holder = "nobody holds it" if case.agent is None else f"{case.agent} holds it"
    due = _format_time(case.due)
    return f"Case {case.id} is late, {holder}: risk {case.risk}, queue {case.queue}, was due {due}."


def _summarise_move(case: Case, actor: str, facts: Mapping[str, Any]) -> str:
    place = f"the queue {case.queue}" if case.agent is None else case.agent
    return f"Case {case.id} was reassigned to {place} by {actor}."


def _summarise_end(case: Case, actor: str, facts: Mapping[str, Any]) -> str:
    return f"Case {case.id} was closed by {actor}: {case.outcome}."


def _summarise_reopening(case: Case, actor: str, facts: Mapping[str, Any]) -> str:
    return f"Case {case.id} was reopened by {actor} in the queue {case.queue}, due {_format_time(case.due)}."


_SUMMARIES = {
    "opened": _summarise_opening,
    "escalated": _summarise_lateness,
    "reassigned": _summarise_move,
    "closed": _summarise_end,
    "reopened": _summarise_reopening,
}


def _format_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
