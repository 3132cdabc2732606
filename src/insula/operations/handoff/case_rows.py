"""Cases as rows of the store: built with masked words, read back, changed together with their event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from insula.core.errors import CaseConflictError, UnknownNameError
from insula.operations.handoff.cases import ANSWER, Case, CaseEvent, NewCase
from insula.operations.handoff.notifications import NOTIFIED, build_notification
from insula.operations.outbox.subscriptions import notify_subscribers
from insula.operations.store.retention import Retention
from insula.operations.store.tables import CASE_EVENTS, CASES
from insula.safety.signals.result import LEVELS

Row = Mapping[str, Any]
"""The columns of a case by name."""
MAX_NUMBER = 2**63 - 1
"""The largest number that databases have; they fail on larger ones."""
UNMASKED = "The words of the message could not be masked, so they are not stored here: read it in its source."


def build_row(new: NewCase, subject: str | None, retention: Retention) -> dict[str, Any]:
    """Return the stored values of a new case, except its times.

    A case whose words cannot be masked is opened without them: a fault of the masking must not lose a message.
    """
    row = {
        "source": new.source, "message": new.message, "queue": new.queue, "state": "waiting", "version": 1,
        "risk": LEVELS.index(new.risk), "expired_leases": 0, "times_reopened": 0, "rule": new.rule,
        "tags": list(new.tags), "language": new.language, "subject": subject,
        "answer": _build_stored_answer(new.answer),
    }  # fmt: skip
    try:
        return row | _build_stored_words(new, retention)
    except Exception:  # noqa: BLE001 - whatever is wrong with the masking, a person must see the message
        return row | {"reason": UNMASKED}


def _build_stored_answer(answer: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the stored form of a prediction; None if it is not valid JSON, such as one with a NaN score."""
    kept = {key: value for key, value in (answer or {}).items() if key in ANSWER}
    try:
        json.dumps(kept, allow_nan=False)
    except (TypeError, ValueError):  # a fault of the model must not lose the message either
        return None
    return kept or None


def _build_stored_words(new: NewCase, retention: Retention) -> dict[str, Any]:
    turns = [{"text": retention.keep(turn.text), "speaker": retention.keep(turn.speaker)} for turn in new.turns]
    said = [{name: word for name, word in turn.items() if word is not None} for turn in turns]
    customer = {
        name: retention.keep(value) if isinstance(value, str) else value for name, value in (new.customer or {}).items()
    }
    return {
        "text": retention.keep(new.text),
        "turns": [turn for turn in said if turn] or None,
        "speaker": retention.keep(new.speaker),
        "target": retention.keep(new.target),
        "customer": {name: value for name, value in customer.items() if value is not None} or None,
        "reason": retention.keep(new.reason or None),
        "words": [kept for word in new.words if (kept := retention.keep(word))] or None,
    }


def read_case(row: Row | RowMapping) -> Case:
    """Return the case of a row."""
    kept = {field.name: row[field.name] for field in fields(Case)}
    kept |= {"risk": LEVELS[row["risk"]]} | {name: tuple(row[name] or ()) for name in ("tags", "turns", "words")}
    return Case(**kept)


def read_event(row: Row | RowMapping) -> CaseEvent:
    """Return the event of a row."""
    kept = {field.name: row[field.name] for field in fields(CaseEvent) if field.name != "case"}
    return CaseEvent(case=row["case_id"], **kept)


def lock_case(connection: Connection, case: int) -> Row:
    """Return the row of a case, locked until the transaction ends. Raises `UnknownNameError`."""
    query = sa.select(CASES).where(is_case(CASES.c.id, case)).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise build_unknown_case_error(case)
    return dict(row)


def is_case(column: sa.Column[int], case: int) -> sa.ColumnElement[bool]:
    """Return the condition that a column has the number of a case."""
    return column == case if 0 < case <= MAX_NUMBER else sa.false()


def build_unknown_case_error(case: int) -> UnknownNameError:
    """Return the error for a number that no case has."""
    return UnknownNameError(f"No case has the number {case}. List the cases with: insula queue list")


def update_case(
    connection: Connection,
    row: Row,
    now: datetime,
    event: str,
    actor: str,
    facts: Mapping[str, Any] | None = None,
    **values: Any,
) -> Row:
    """Change a case and add the event, and return the new row.

    The row must be as it was read: if another transaction changed it meanwhile, nothing is changed, and
    `CaseConflictError` is raised.
    """
    values["version"] = row["version"] + 1
    same = (CASES.c.id == row["id"]) & (CASES.c.version == row["version"])
    if connection.execute(sa.update(CASES).where(same).values(values)).rowcount != 1:
        raise CaseConflictError(f"Case {row['id']} was changed at the same moment. Try again.", code="held")
    changed = {**row, **values}
    add_event(connection, changed, now, event, actor, facts)
    return changed


def add_event(
    connection: Connection,
    row: Row,
    now: datetime,
    event: str,
    actor: str,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Add an event to the trail of a case, and notify the receivers that are subscribed to it.

    row  the case after the event
    """
    known = dict(facts or {})
    values = {"case_id": row["id"], "version": row["version"], "time": now, "event": event, "actor": actor}
    connection.execute(sa.insert(CASE_EVENTS).values(**values, facts=known))
    if event in NOTIFIED:
        notify_subscribers(connection, build_notification(read_case(row), event, actor, known), now)
