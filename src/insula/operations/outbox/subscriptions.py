"""Subscriptions: receivers that are notified of an event, whichever process records it.

A case is opened by a server, a command or a program of the user's, and only the server has the settings of the
receivers. It stores their names and what they want, so that the others store notifications for them, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from insula.operations.outbox.outbox import Notification
from insula.operations.outbox.receivers import Receiver
from insula.operations.store.database import Database
from insula.operations.store.tables import OUTBOX, SUBSCRIPTIONS


def subscribe(database: Database, receivers: Sequence[Receiver], events: Sequence[str]) -> list[str]:
    """Store the events that each receiver subscribes to; they replace its earlier subscriptions.

    Return the names of other receivers that are subscribed: another server's, or those of a receiver that has left the
    settings.
    """
    names = [receiver.name for receiver in receivers]
    rows = [
        {"receiver": receiver.name, "event": event}
        for receiver in receivers
        for event in events
        if receiver.subscribes_to(event)
    ]
    with database.begin_write() as connection:
        connection.execute(sa.delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.receiver.in_(names)))
        if rows:
            connection.execute(database.insert_new(SUBSCRIPTIONS), rows)  # two servers may start at the same moment
        others = sa.select(SUBSCRIPTIONS.c.receiver).distinct().where(SUBSCRIPTIONS.c.receiver.not_in(names))
        return sorted(connection.execute(others).scalars())


def unsubscribe(database: Database, receiver: str) -> tuple[bool, int]:
    """Stop notifying a receiver, and delete its undelivered notifications.

    Return whether it was subscribed, and how many of its notifications were deleted.
    """
    with database.begin_write() as connection:
        known = connection.execute(sa.delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.receiver == receiver)).rowcount > 0
        left = (OUTBOX.c.receiver == receiver) & (OUTBOX.c.state != "delivered")
        return known, connection.execute(sa.delete(OUTBOX).where(left)).rowcount


def notify_subscribers(connection: Connection, notification: Notification, now: datetime) -> None:
    """Store a notification for all receivers subscribed to its event, in the transaction of that event."""
    values: dict[str, Any] = {
        "key": notification.key, "event": notification.event, "summary": notification.summary,
        "data": dict(notification.data), "created": now, "attempts": 0, "due": now, "state": "waiting",
    }  # fmt: skip
    columns = [sa.literal(value, OUTBOX.c[name].type) for name, value in values.items()]
    rows = sa.select(SUBSCRIPTIONS.c.receiver, *columns).where(SUBSCRIPTIONS.c.event == notification.event)
    connection.execute(sa.insert(OUTBOX).from_select(["receiver", *values], rows))
