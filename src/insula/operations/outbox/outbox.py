"""`Outbox`: notifications in the store, from the transaction that they report until their receivers have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from insula.operations.outbox.receivers import Receiver
from insula.operations.store.database import Database
from insula.operations.store.tables import OUTBOX

ATTEMPTS = 12
"""After so many failed attempts, about ten hours, a notification is given up; a person can send it again."""
FIRST_PAUSE = timedelta(seconds=15)
MAX_PAUSE = timedelta(hours=2)
HELD = timedelta(minutes=1)
"""For so long a notification belongs to the process that sends it, unless the receiver may take longer."""
KEPT = timedelta(days=30)
STATES = ("delivered", "waiting", "failed")


@dataclass(frozen=True)
class Notification:
    """Something that happened.

    event    such as `alert.raised`
    key      its identity: one with a known key and receiver is not stored again, and receivers can recognise it
    summary  in a sentence
    data     its facts, for JSON, without the text of a message
    """

    event: str
    key: str
    summary: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Delivery:
    """A notification on its way to a receiver; `state` is `waiting`, `delivered` or `failed`."""

    id: int
    receiver: str
    notification: Notification
    created: datetime
    attempts: int
    due: datetime
    state: str
    error: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        sent = self.notification
        return {
            "id": self.id, "receiver": self.receiver, "event": sent.event, "key": sent.key, "summary": sent.summary,
            "created": self.created.isoformat(timespec="seconds"), "attempts": self.attempts,
            "due": self.due.isoformat(timespec="seconds"), "state": self.state, "error": self.error,
        }  # fmt: skip


def add_notifications(
    database: Database,
    connection: Connection,
    notifications: Sequence[Notification],
    receivers: Sequence[Receiver],
    now: datetime,
) -> None:
    """Store notifications for all subscribed receivers, in the transaction of the event that they report."""
    rows = [
        {
            "receiver": receiver.name, "key": one.key, "event": one.event, "summary": one.summary,
            "data": dict(one.data), "created": now, "attempts": 0, "due": now, "state": "waiting",
        }
        for one in notifications
        for receiver in receivers
        if receiver.subscribes_to(one.event)
    ]  # fmt: skip
    if rows:
        connection.execute(database.insert_new(OUTBOX), rows)


class Outbox:
    """The deliveries of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim_due(self, receiver: str, held: timedelta = HELD) -> Delivery | None:
        """Return the next delivery that is due for a receiver; for the time `held` no other process gets it."""

        def select_due(now: datetime) -> sa.Select[Any]:
            due = (OUTBOX.c.receiver == receiver) & (OUTBOX.c.state == "waiting") & (OUTBOX.c.due <= now)
            return sa.select(OUTBOX).where(due).order_by(OUTBOX.c.due, OUTBOX.c.id).limit(1)

        # A look takes no lock: receivers are looked at every second, and seldom is anything due.
        with self._database.begin_read() as connection:
            if connection.execute(select_due(self._database.now(connection))).first() is None:
                return None
        with self._database.begin_write() as connection:
            now = self._database.now(connection)
            query = select_due(now)
            row = connection.execute(query.with_for_update(skip_locked=True)).mappings().one_or_none()
            if row is None:
                return None
            connection.execute(sa.update(OUTBOX).where(OUTBOX.c.id == row["id"]).values(due=now + held))
            return _read_delivery(row)

    def record_success(self, delivery: Delivery) -> None:
        """Record that the receiver has it."""
        self._update_delivery(delivery, attempts=delivery.attempts + 1, state="delivered", error=None)

    def record_failure(self, delivery: Delivery, error: str, now: datetime) -> None:
        """Record a failed attempt; the pause before the next one grows each time, until the attempts are used up."""
        attempts = delivery.attempts + 1
        pause = min(FIRST_PAUSE * 2**delivery.attempts, MAX_PAUSE)
        state = "failed" if attempts >= ATTEMPTS else "waiting"
        self._update_delivery(delivery, attempts=attempts, state=state, due=now + pause, error=error[:500])

    def list_deliveries(self, *, state: str | None = None, limit: int = 100) -> list[Delivery]:
        """Return deliveries, the newest first."""
        query = sa.select(OUTBOX).order_by(OUTBOX.c.id.desc()).limit(limit)
        if state is not None:
            query = query.where(OUTBOX.c.state == state)
        with self._database.begin_read() as connection:
            return [_read_delivery(row) for row in connection.execute(query).mappings()]

    def count_by_state(self, states: Sequence[str] = ("waiting", "failed")) -> dict[str, int]:
        """Return how many deliveries are in each state; by default how many wait and how many are given up."""
        left = sa.select(OUTBOX.c.state, sa.func.count()).where(OUTBOX.c.state.in_(states))
        with self._database.begin_read() as connection:
            rows: Sequence[Any] = connection.execute(left.group_by(OUTBOX.c.state)).all()
        return dict.fromkeys(states, 0) | dict(rows)

    def retry_failed(self) -> int:
        """Let failed deliveries wait again; return how many."""
        with self._database.begin_write() as connection:
            again = {"state": "waiting", "attempts": 0, "due": self._database.now(connection)}
            return connection.execute(sa.update(OUTBOX).where(OUTBOX.c.state == "failed").values(again)).rowcount

    def delete_old(self) -> int:
        """Delete deliveries that arrived over 30 days ago; return how many."""
        with self._database.begin_write() as connection:
            old = self._database.now(connection) - KEPT
            done = sa.delete(OUTBOX).where(OUTBOX.c.state == "delivered", OUTBOX.c.created < old)
            return connection.execute(done).rowcount

    def _update_delivery(self, delivery: Delivery, **values: Any) -> None:
        with self._database.begin_write() as connection:
            connection.execute(sa.update(OUTBOX).where(OUTBOX.c.id == delivery.id).values(values))


_COLUMNS = ("id", "receiver", "created", "attempts", "due", "state", "error")


def _read_delivery(row: Any) -> Delivery:
    notification = Notification(row["event"], row["key"], row["summary"], dict(row["data"]))
    return Delivery(notification=notification, **{name: row[name] for name in _COLUMNS})
