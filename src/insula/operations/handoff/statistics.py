"""`QueueStats`: counts, ages and handling times of cases."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from insula.operations.store.tables import CASE_EVENTS, CASES
from insula.safety.signals.result import LEVELS

RECENT = 1000
"""Number of latest cases that times are computed from."""


@dataclass(frozen=True, kw_only=True)
class QueueDepth:
    """Counts of open cases.

    late    cases past their deadline that are not closed
    oldest  age of the oldest waiting case in seconds, None if none waits
    """

    waiting: int
    claimed: int
    late: int
    oldest: float | None


@dataclass(frozen=True, kw_only=True)
class QueueStats:
    """Figures of the queue; times are in seconds, None without a case that has them.

    opened          cases that were ever opened; equals waiting + claimed + closed + deleted
    deleted         closed cases deleted after their retention time
    late            cases past their deadline that are not closed
    oldest          age of the oldest waiting case
    escalations     cases that became late, counted at each time
    expired_leases  leases that expired
    to_claim        median time from opening to the first claim, of recent cases
    to_close        median time from opening to closing, of recent cases
    by_risk         number of cases that are not closed, by risk
    by_agent        number of cases that each agent holds
    outcomes        number of closed cases, by outcome
    """

    opened: int
    waiting: int
    claimed: int
    closed: int
    deleted: int
    late: int
    oldest: float | None
    escalations: int
    expired_leases: int
    to_claim: float | None
    to_close: float | None
    by_risk: Mapping[str, int]
    by_agent: Mapping[str, int]
    outcomes: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


def compute_depth(connection: Connection, now: datetime, queue: str | None = None) -> QueueDepth:
    """Return how many cases are open, of all queues or of one; cheap enough for every few seconds."""
    mine = (CASES.c.state != "closed") & (sa.true() if queue is None else CASES.c.queue == queue)
    states = _count(connection, CASES.c.state, mine)
    late = (CASES.c.due <= now) | CASES.c.escalated.is_not(None)
    first = sa.select(sa.func.min(CASES.c.opened)).where(mine, CASES.c.state == "waiting")
    opened = connection.execute(first).scalar_one()
    return QueueDepth(
        waiting=states.get("waiting", 0),
        claimed=states.get("claimed", 0),
        late=sum(_count(connection, CASES.c.state, mine & late).values()),
        oldest=None if opened is None else max(0.0, (now - opened).total_seconds()),
    )


def compute_stats(connection: Connection, now: datetime, queue: str | None = None) -> QueueStats:
    """Return the figures of all cases or of one queue; `opened` and `deleted` always cover all queues."""
    mine = sa.true() if queue is None else CASES.c.queue == queue
    is_open = CASES.c.state != "closed"
    depth = compute_depth(connection, now, queue)
    risks = _count(connection, CASES.c.risk, mine & is_open)
    events = _count(connection, CASE_EVENTS.c.event, sa.true())
    stored = connection.execute(sa.select(sa.func.count()).select_from(CASES)).scalar_one()
    return QueueStats(
        opened=events.get("opened", 0),
        waiting=depth.waiting,
        claimed=depth.claimed,
        closed=_count(connection, CASES.c.state, mine).get("closed", 0),
        deleted=events.get("opened", 0) - stored,
        late=depth.late,
        oldest=depth.oldest,
        escalations=events.get("escalated", 0),
        expired_leases=events.get("expired", 0),
        to_claim=_compute_median(connection, CASES.c.first_claimed, mine),
        to_close=_compute_median(connection, CASES.c.closed, mine),
        by_risk={name: risks[number] for number, name in reversed(list(enumerate(LEVELS))) if number in risks},
        by_agent=_count(connection, CASES.c.agent, mine & (CASES.c.state == "claimed")),
        outcomes=_count(connection, CASES.c.outcome, mine & ~is_open),
    )


def _count(connection: Connection, column: sa.Column[Any], condition: sa.ColumnElement[bool]) -> dict[Any, int]:
    query = sa.select(column, sa.func.count()).where(condition).group_by(column).order_by(column)
    rows: Sequence[Any] = connection.execute(query).all()
    return dict(rows)


def _compute_median(connection: Connection, column: sa.Column[Any], condition: sa.ColumnElement[bool]) -> float | None:
    """Return the median time from opening to the moment of a column, over the latest cases that have one."""
    query = sa.select(CASES.c.opened, column).where(condition, column.is_not(None))
    rows = connection.execute(query.order_by(CASES.c.id.desc()).limit(RECENT)).all()
    return statistics.median((moment - opened).total_seconds() for opened, moment in rows) if rows else None
