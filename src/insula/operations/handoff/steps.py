"""Steps of one case, inside their transactions: claim, hold, end a lease, escalate, or the reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from insula.core.errors import CaseConflictError
from insula.operations.handoff.case_rows import Row, update_case
from insula.operations.handoff.spans import build_span_columns, has_ended
from insula.operations.store.tables import CASE_EVENTS, CASES

BATCH = 200  # cases that one transaction locks
PROGRAM = "insula"
"""The actor of events that no person caused."""
ORDER = (CASES.c.risk.desc(), CASES.c.due, CASES.c.id)
NO_AGENT: dict[str, Any] = {"agent": None, "lease_from": None, "lease_until": None}
_HOLDING = ("claimed", "renewed", "expired", "released", "reassigned", "reopened")  # events that change who holds it


def lock_cases(connection: Connection, condition: sa.ColumnElement[bool]) -> Sequence[Row]:
    """Return rows that fulfil a condition, without those that another transaction is changing."""
    query = sa.select(CASES).where(condition).order_by(*ORDER).limit(BATCH).with_for_update(skip_locked=True)
    return [dict(row) for row in connection.execute(query).mappings()]


def end_lease_if_over(connection: Connection, row: Row, now: datetime) -> Row:
    """Let a case wait again if its lease is over; return its row."""
    if row["state"] != "claimed" or not has_ended(row, "lease_until", now):
        return row
    values = {"state": "waiting", "expired_leases": row["expired_leases"] + 1, **NO_AGENT}
    return update_case(connection, row, now, "expired", PROGRAM, {"agent": row["agent"]}, **values)


def escalate_if_late(connection: Connection, row: Row, now: datetime) -> Row:
    """Record that a case is late, if it is and was not recorded before; return its row."""
    if row["state"] == "closed" or row["escalated"] is not None or not has_ended(row, "due", now):
        return row
    facts = {"due": row["due"].isoformat(timespec="milliseconds"), "agent": row["agent"]}
    # A deadline in the future belongs to a clock that was set back; the case must not wait behind all others for it.
    return update_case(connection, row, now, "escalated", PROGRAM, facts, escalated=now, due=min(row["due"], now))


def claim_case(connection: Connection, row: Row, now: datetime, agent: str, lease: int) -> Row:
    """Let an agent hold a case that waits, or hold it longer; raise `CaseConflictError` if the agent may not."""
    if row["state"] == "closed":
        raise build_closed_error(row)
    if row["state"] == "claimed":
        if row["agent"] != agent:
            raise build_held_error(row)
        return assign_case(connection, row, now, "renewed", agent, agent, lease)
    return assign_case(connection, row, now, "claimed", agent, agent, lease)


def assign_case(
    connection: Connection,
    row: Row,
    now: datetime,
    event: str,
    actor: str,
    agent: str,
    lease: int,
    facts: dict[str, Any] | None = None,
) -> Row:
    """Let an agent hold a case under a new lease."""
    values = {"state": "claimed", "agent": agent, **build_span_columns("lease_until", now, lease)}
    if row["first_claimed"] is None:
        values["first_claimed"] = now
    return update_case(connection, row, now, event, actor, {**(facts or {}), "agent": agent, "lease": lease}, **values)


def require_held(connection: Connection, row: Row, agent: str) -> None:
    """Raise `CaseConflictError` unless the agent holds the case."""
    if row["state"] == "claimed" and row["agent"] == agent:
        return
    if row["state"] == "closed":
        raise build_closed_error(row)
    if row["state"] == "claimed":
        raise build_held_error(row)
    query = sa.select(CASE_EVENTS).where(CASE_EVENTS.c.case_id == row["id"], CASE_EVENTS.c.event.in_(_HOLDING))
    last = connection.execute(query.order_by(CASE_EVENTS.c.version.desc()).limit(1)).mappings().one_or_none()
    if last is not None and last["event"] == "expired" and last["facts"].get("agent") == agent:
        message = f"The lease of {agent!r} on case {row['id']} expired at {last['time']:%H:%M:%S} UTC."
        raise CaseConflictError(f"{message} Claim it again.", code="expired")
    message = f"Case {row['id']} is waiting: nobody holds it. Claim it first."
    raise CaseConflictError(message, code="waiting")


def build_held_error(row: Row) -> CaseConflictError:
    """Return the error for a case that another agent holds."""
    message = f"Case {row['id']} is held by {row['agent']!r} until {row['lease_until']:%H:%M:%S} UTC."
    return CaseConflictError(f"{message} Choose another case, or reassign this one.", code="held")


def build_closed_error(row: Row) -> CaseConflictError:
    """Return the error for a case that is closed."""
    message = f"Case {row['id']} is closed, with the outcome {row['outcome']!r}. Reopen it first."
    return CaseConflictError(message, code="closed")
