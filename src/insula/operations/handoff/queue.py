"""`HandoffQueue`: cases that wait for people, in the order of their risk and deadline, none of them ever dropped.

    opened -> waiting -> claimed by one agent, under a lease -> closed with an outcome
                 ^          |                                      |
                 +- released, lease expired, reassigned            |
                 +- reopened --------------------------------------+

Every step is one transaction, which changes the case, adds its event and stores the notifications of it. A process that
dies leaves the case as it was before the step or as it is after it. A lease that nobody renews ends, and the case waits
again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from insula.core.errors import CaseConflictError, DataError
from insula.operations.handoff.case_rows import (
    MAX_NUMBER,
    Row,
    add_event,
    build_row,
    build_unknown_case_error,
    is_case,
    lock_case,
    read_case,
    read_event,
    update_case,
)
from insula.operations.handoff.cases import (
    DEADLINE,
    STATES,
    Case,
    CaseEvent,
    NewCase,
    State,
    check_name,
    check_seconds,
)
from insula.operations.handoff.spans import build_has_ended, build_span_columns
from insula.operations.handoff.statistics import QueueDepth, QueueStats, compute_depth, compute_stats
from insula.operations.handoff.steps import (
    BATCH,
    NO_AGENT,
    ORDER,
    PROGRAM,
    assign_case,
    build_closed_error,
    claim_case,
    end_lease_if_over,
    escalate_if_late,
    lock_cases,
    require_held,
)
from insula.operations.store.database import Database
from insula.operations.store.retention import Retention
from insula.operations.store.subjects import Subjects
from insula.operations.store.tables import CASE_EVENTS, CASES
from insula.safety.signals.result import LEVELS

LEASE = 15 * 60
"""Default number of seconds for which an agent holds a case."""


@dataclass(frozen=True)
class Escalation:
    """Result of `HandoffQueue.escalate`: cases that became late, and cases that wait again because a lease expired."""

    late: tuple[Case, ...]
    returned: tuple[Case, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the cases for JSON."""
        return {"late": [one.to_dict() for one in self.late], "returned": [one.to_dict() for one in self.returned]}


class HandoffQueue:
    """The cases of a store.

    database   an open store
    retention  masks words before they are stored, and says how long a closed case is kept; a case that is not closed
               is never deleted
    clock      returns the time in UTC (default: the clock of PostgreSQL, or of this machine for SQLite)

    Methods raise `UnknownNameError` for a number that no case has, `CaseConflictError` if the state of the case does
    not allow the step, `DataError` for an impossible value, `StoreUnreachableError` if the store does not answer. After
    the last one the step may be done or not: `open`, `claim` of a case, `renew` and `close` can be repeated.
    """

    def __init__(
        self, database: Database, retention: Retention, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._subjects = Subjects(database)

    def open(self, *new: NewCase, actor: str = PROGRAM) -> list[Case]:
        """Open cases, all or none; return them in order.

        A message that has a case already gets no second one, whatever its state: its case is returned as it is.
        """
        hashed = [None if one.subject is None else self._subjects.hash_subject(one.subject) for one in new]
        rows = [build_row(one, subject, self._retention) for one, subject in zip(new, hashed, strict=True)]
        # In the same order in all processes, so that two with the same messages do not wait for each other.
        order = sorted(range(len(new)), key=lambda place: (new[place].source, new[place].message))
        opened: dict[int, Case] = {}
        with self._database.begin_write() as connection:
            now = self._now(connection)
            for place in order:
                opened[place] = self._open(connection, rows[place], new[place].deadline, now, actor)
        return [opened[place] for place in range(len(new))]

    def acknowledge(self, case: int, *, besides: Collection[int] = (), actor: str = PROGRAM) -> bool:
        """Record that the sender of a new case gets an automatic confirmation; return whether it may be sent.

        besides  cases that were opened together with it

        It may be sent once, before anything else happens to the case, and only while the person has no other open case.
        Raises `UnknownNameError` for a number that no case has.
        """
        with self._database.begin_write() as connection:
            row = lock_case(connection, case)
            if row["state"] != "waiting" or row["version"] != 1:
                return False
            others = (CASES.c.subject == row["subject"]) & (CASES.c.state != "closed")
            others &= CASES.c.id.not_in([case, *besides])
            if row["subject"] is not None and connection.execute(sa.select(CASES.c.id).where(others).limit(1)).first():
                return False
            update_case(connection, row, self._now(connection), "acknowledged", actor)
            return True

    def claim(
        self, agent: str, *, lease: int = LEASE, case: int | None = None, queue: str | None = None
    ) -> Case | None:
        """Claim the first waiting case for an agent, or return None if no case is waiting.

        lease  seconds for which the agent holds it
        case   claim this one; a case that the agent holds is renewed
        queue  only cases of this queue

        No two agents ever hold one case. The first case has the highest risk, then the earliest deadline.
        """
        check_name("agent", agent, 200)
        check_seconds("lease", lease)
        if case is not None:
            return self._change_case(case, lambda connection, row, now: claim_case(connection, row, now, agent, lease))
        with self._database.begin_write() as connection:
            now = self._now(connection)
            self._end_leases(connection, now)
            waiting = sa.select(CASES).where(CASES.c.state == "waiting").order_by(*ORDER).limit(1)
            if queue is not None:
                waiting = waiting.where(CASES.c.queue == queue)
            # A case that another transaction is about to claim is skipped, not waited for.
            row = connection.execute(waiting.with_for_update(skip_locked=True)).mappings().one_or_none()
            if row is None:
                return None
            return read_case(claim_case(connection, escalate_if_late(connection, dict(row), now), now, agent, lease))

    def renew(self, case: int, agent: str, *, lease: int = LEASE) -> Case:
        """Extend the lease of the agent who holds the case to `lease` seconds from now."""
        check_seconds("lease", lease)

        def renew(connection: Connection, row: Row, now: datetime) -> Row:
            require_held(connection, row, agent)
            return assign_case(connection, row, now, "renewed", agent, agent, lease)

        return self._change_case(case, renew)

    def release(self, case: int, agent: str) -> Case:
        """Release a case: it waits again, with the same deadline."""

        def release(connection: Connection, row: Row, now: datetime) -> Row:
            require_held(connection, row, agent)
            return update_case(connection, row, now, "released", agent, state="waiting", **NO_AGENT)

        return self._change_case(case, release)

    def reassign(
        self, case: int, *, actor: str, agent: str | None = None, queue: str | None = None, lease: int = LEASE
    ) -> Case:
        """Move a case to another agent, who holds it from now on, or to another queue, where it waits.

        actor  who moves it; need not hold it
        """
        check_name("actor", actor, 200)
        check_seconds("lease", lease)
        if (agent is None) == (queue is None):
            raise DataError(
                f"A case must be reassigned to an agent or to a queue. Got agent {agent!r} and queue "
                f"{queue!r}. Choose one of them."
            )
        if agent is not None:
            check_name("agent", agent, 200)
        if queue is not None:
            check_name("queue", queue, 100)

        def reassign(connection: Connection, row: Row, now: datetime) -> Row:
            if row["state"] == "closed":
                raise build_closed_error(row)
            facts = {"from_agent": row["agent"], "from_queue": row["queue"]}
            if agent is not None:
                return assign_case(connection, row, now, "reassigned", actor, agent, lease, facts)
            to = {"queue": queue, "state": "waiting", **NO_AGENT}
            return update_case(connection, row, now, "reassigned", actor, facts | {"queue": queue}, **to)

        return self._change_case(case, reassign)

    def close(self, case: int, agent: str, *, outcome: str, note: str | None = None) -> Case:
        """Close a case that the agent holds.

        outcome  a short name of what was done, such as `resolved`
        note     a remark, stored masked

        Closing it again with the same outcome changes nothing.
        """
        check_name("outcome", outcome, 100)
        masked = self._retention.keep(note)

        def close(connection: Connection, row: Row, now: datetime) -> Row:
            if row["state"] == "closed" and (row["agent"], row["outcome"]) == (agent, outcome):
                return row
            require_held(connection, row, agent)
            values = NO_AGENT | {"agent": agent, "state": "closed", "closed": now, "outcome": outcome, "note": masked}
            values["delete_after"] = now if row["erased"] is not None else now + self._retention.span
            return update_case(connection, row, now, "closed", agent, {"outcome": outcome}, **values)

        return self._change_case(case, close)

    def reopen(self, case: int, actor: str, *, deadline: int = DEADLINE) -> Case:
        """Let a closed case wait again, with a new deadline in seconds from now."""
        check_name("actor", actor, 200)
        check_seconds("deadline", deadline)

        def reopen(connection: Connection, row: Row, now: datetime) -> Row:
            if row["state"] != "closed":
                message = f"Case {row['id']} is not closed: it is {row['state']}. Only closed cases can be reopened."
                raise CaseConflictError(message, code="open")
            facts = {"outcome": row["outcome"], "closed": row["closed"].isoformat(timespec="milliseconds")}
            values = NO_AGENT | dict.fromkeys(("closed", "outcome", "note", "delete_after", "escalated"))
            values |= {
                "state": "waiting",
                "times_reopened": row["times_reopened"] + 1,
                **build_span_columns("due", now, deadline),
            }
            return update_case(connection, row, now, "reopened", actor, facts, **values)

        return self._change_case(case, reopen)

    def escalate(self) -> Escalation:
        """Find late cases and expired leases, and record both.

        Call it every minute or so. Other steps do the same for the case that they change, so that no late case is
        closed without its escalation.
        """
        late: list[Case] = []
        returned: list[Case] = []
        is_late = (CASES.c.state != "closed") & CASES.c.escalated.is_(None)
        while True:
            with self._database.begin_write() as connection:
                now = self._now(connection)
                ended = self._end_leases(connection, now)
                rows = lock_cases(connection, is_late & build_has_ended("due", now))
                late += [read_case(escalate_if_late(connection, row, now)) for row in rows]
                returned += map(read_case, ended)
            if max(len(rows), len(ended)) < BATCH:
                return Escalation(tuple(late), tuple(returned))

    def find(self, case: int) -> Case:
        """Return a stored case."""
        with self._database.begin_read() as connection:
            row = connection.execute(sa.select(CASES).where(is_case(CASES.c.id, case))).mappings().one_or_none()
        if row is None:
            raise build_unknown_case_error(case)
        return read_case(row)

    def find_handed_off(self, source: str, messages: Sequence[str], *, subject: str | None = None) -> set[str]:
        """Return the messages that people deal with, and that must not be answered automatically.

        messages  their ids in the source
        subject   the caller's id for the person all of them are from

        A message is in people's hands from the moment it has a case, also after the case is closed; all messages of a
        person are while one of that person's cases, of any source, is open.
        """
        hashed = None if subject is None else self._subjects.hash_subject(subject)
        known = (CASES.c.source == source) & CASES.c.message.in_(messages)
        with self._database.begin_read() as connection:
            if hashed is not None:
                is_open = (CASES.c.subject == hashed) & (CASES.c.state != "closed")
                if connection.execute(sa.select(CASES.c.id).where(is_open).limit(1)).first() is not None:
                    return set(messages)
            return set(connection.execute(sa.select(CASES.c.message).where(known)).scalars())

    def list_cases(
        self,
        *,
        states: Iterable[State] = ("waiting", "claimed"),
        queue: str | None = None,
        agent: str | None = None,
        late: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Case]:
        """Return cases in the order in which they are to be handled; closed ones last, the latest first.

        late  only cases that are escalated
        """
        wanted = set(states)
        if not wanted or wanted - set(STATES):
            raise DataError(
                f"The states must be some of {', '.join(STATES)}. Got {sorted(wanted) or 'none'}. Choose from these."
            )
        query = sa.select(CASES).where(CASES.c.state.in_(wanted))
        for column, value in ((CASES.c.queue, queue), (CASES.c.agent, agent)):
            if value is not None:
                query = query.where(column == value)
        if late:
            query = query.where(CASES.c.escalated.is_not(None))
        is_closed = sa.case((CASES.c.state == "closed", 1), else_=0)
        newest = sa.case((CASES.c.state == "closed", -CASES.c.id), else_=0)
        query = query.order_by(is_closed, newest, *ORDER).limit(min(limit, MAX_NUMBER)).offset(min(offset, MAX_NUMBER))
        with self._database.begin_read() as connection:
            return [read_case(row) for row in connection.execute(query).mappings()]

    def events(self, case: int) -> Sequence[CaseEvent]:
        """Return the events of a case, oldest first; also of a closed case that was deleted since."""
        query = sa.select(CASE_EVENTS).where(is_case(CASE_EVENTS.c.case_id, case)).order_by(CASE_EVENTS.c.version)
        with self._database.begin_read() as connection:
            found = [read_event(row) for row in connection.execute(query).mappings()]
        if not found:
            raise build_unknown_case_error(case)
        return found

    def stats(self, *, queue: str | None = None) -> QueueStats:
        """Return counts and times of all cases, or of one queue."""
        with self._database.begin_read() as connection:
            return compute_stats(connection, self._now(connection), queue)

    def depth(self, *, queue: str | None = None) -> QueueDepth:
        """Return how many cases are open; far cheaper than `stats`."""
        with self._database.begin_read() as connection:
            return compute_depth(connection, self._now(connection), queue)

    def _now(self, connection: Connection) -> datetime:
        return self._database.now(connection) if self._clock is None else self._clock()

    def _open(self, connection: Connection, row: Row, deadline: int, now: datetime, actor: str) -> Case:
        values = {**row, "opened": now, **build_span_columns("due", now, deadline)}
        inserted = self._database.insert_new(CASES).values(values).returning(CASES.c.id)
        case = connection.execute(inserted).scalar_one_or_none()
        if case is not None:
            facts = {name: row[name] for name in ("source", "message", "queue", "rule")}
            facts |= {"risk": LEVELS[row["risk"]], "deadline": deadline}
            opened = dict.fromkeys(CASES.c.keys()) | values | {"id": case}
            add_event(connection, opened, now, "opened", actor, facts)
        same = (CASES.c.source == row["source"]) & (CASES.c.message == row["message"])
        return read_case(connection.execute(sa.select(CASES).where(same)).mappings().one())

    def _change_case(self, case: int, act: Callable[[Connection, Row, datetime], Row]) -> Case:
        """Do a step with one case. What was due for it anyway is recorded even if the step is not allowed."""
        refused: CaseConflictError | None = None
        with self._database.begin_write() as connection:
            now = self._now(connection)
            row = escalate_if_late(connection, end_lease_if_over(connection, lock_case(connection, case), now), now)
            try:
                row = act(connection, row, now)
            except CaseConflictError as error:  # raised before anything is changed
                refused = error
        if refused is not None:
            raise refused
        return read_case(row)

    def _end_leases(self, connection: Connection, now: datetime) -> Sequence[Row]:
        rows = lock_cases(connection, (CASES.c.state == "claimed") & build_has_ended("lease_until", now))
        return [end_lease_if_over(connection, row, now) for row in rows]
