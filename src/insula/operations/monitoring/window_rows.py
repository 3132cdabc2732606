"""Rows of windows in the store: added to, read, deleted after their time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from insula.operations.monitoring.counting import ALERT, Key, WindowCount, matches
from insula.operations.monitoring.settings import AlertRule
from insula.operations.store.database import Database
from insula.operations.store.tables import STREAM_MESSAGES, WINDOW_LABELS, WINDOWS

DELETE_BATCH = 2000


@dataclass(frozen=True)
class WindowHits:
    """The number of messages in a window, and of those that an alert counts."""

    start: int
    messages: int
    hits: int

    @property
    def share(self) -> float:
        """The share of messages that the alert counts."""
        return self.hits / self.messages


def add_new_ids(database: Database, connection: Connection, stream: int, ids: Sequence[str], now: datetime) -> set[str]:
    """Store ids of messages; return those that were not stored before."""
    if not ids:
        return set()
    rows = [{"stream": stream, "id": one, "seen": now} for one in ids]
    return set(connection.execute(database.insert_new(STREAM_MESSAGES).returning(STREAM_MESSAGES.c.id), rows).scalars())


def add_counts(
    database: Database, connection: Connection, stream: int, seconds: int, counts: Mapping[Key, WindowCount]
) -> None:
    """Add counts to windows; missing ones are made."""
    for (start, attributes), count in sorted(counts.items()):
        row = {"stream": stream, "seconds": seconds, "start": start, "attributes": attributes}
        row |= {"messages": count.messages, "abstained": count.abstained}
        window = connection.execute(
            database.insert_or_add(WINDOWS, ("messages", "abstained")).returning(WINDOWS.c.id), row
        )
        number = window.scalar_one()
        labels = [
            {"window": number, "level": level, "label": label, "messages": messages}
            for (level, label), messages in sorted(count.labels.items())
        ]
        if labels:
            connection.execute(database.insert_or_add(WINDOW_LABELS, ("messages",)), labels)


def read_window_hits(
    connection: Connection, stream: int, seconds: int, rule: AlertRule, starts: sa.ColumnElement[bool]
) -> list[WindowHits]:
    """Return the counts that an alert uses, for the windows with these starts, in order."""
    label = (WINDOW_LABELS.c.window == WINDOWS.c.id) & (WINDOW_LABELS.c.level == ALERT)
    label &= WINDOW_LABELS.c.label == rule.name
    query = sa.select(WINDOWS.c.start, WINDOWS.c.attributes, WINDOWS.c.messages, WINDOW_LABELS.c.messages)
    query = query.select_from(WINDOWS.outerjoin(WINDOW_LABELS, label))
    query = query.where(WINDOWS.c.stream == stream, WINDOWS.c.seconds == seconds, starts)
    found: dict[int, list[int]] = {}
    for start, attributes, messages, hits in connection.execute(query):
        if matches(rule.where, attributes):
            sums = found.setdefault(start, [0, 0])
            sums[0] += messages
            sums[1] += hits or 0
    return [WindowHits(start, messages, hits) for start, (messages, hits) in sorted(found.items())]


def read_attribute_batches(connection: Connection, stream: int, most: int) -> list[str]:
    """Return the attributes of the windows of a stream, as JSON."""
    query = sa.select(WINDOWS.c.attributes).where(WINDOWS.c.stream == stream).distinct().limit(most)
    return list(connection.execute(query).scalars())


def delete_windows(connection: Connection, stream: int, before: float) -> int:
    """Delete some of the windows that started before a moment, in seconds since 1970; return how many."""
    old = sa.select(WINDOWS.c.id).where(WINDOWS.c.stream == stream, WINDOWS.c.start < int(before)).limit(DELETE_BATCH)
    numbers = list(connection.execute(old).scalars())
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        connection.execute(sa.delete(WINDOW_LABELS).where(WINDOW_LABELS.c.window.in_(some)))
        connection.execute(sa.delete(WINDOWS).where(WINDOWS.c.id.in_(some)))
    return len(numbers)


def delete_ids(connection: Connection, stream: int, before: datetime) -> None:
    """Delete ids of messages that were stored before a moment."""
    connection.execute(
        sa.delete(STREAM_MESSAGES).where(STREAM_MESSAGES.c.stream == stream, STREAM_MESSAGES.c.seen < before)
    )
