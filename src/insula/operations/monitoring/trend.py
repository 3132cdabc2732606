"""`read_trend`: how emotions in a stream develop over time, from its windows in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from insula.core.errors import CHOOSE, DataError, UnknownNameError, suggest
from insula.evaluation.metrics.proportions import measure_balance, measure_share
from insula.evaluation.result import Interval
from insula.operations.monitoring.alerts import Alert, read_alert
from insula.operations.monitoring.counting import ALERT, matches, parse_group
from insula.operations.monitoring.window_rows import read_attribute_batches
from insula.operations.store.database import Database
from insula.operations.store.tables import ALERTS, STREAMS, WINDOW_LABELS, WINDOWS

POSITIVE, NEGATIVE = "positive", "negative"
POLARITY = frozenset((POSITIVE, NEGATIVE))
DIGITS = 6


@dataclass
class TrendPoint:
    """A window, or several windows of one start.

    attributes    the attributes by which it is counted apart
    labels        messages by label; `levels` by coarser level and its labels
    has_polarity  whether the labels have a polarity, although none of these messages may be positive or negative
    """

    start: datetime
    seconds: int
    attributes: Mapping[str, str]
    messages: int = 0
    abstained: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    levels: dict[str, dict[str, int]] = field(default_factory=dict)
    has_polarity: bool = False

    @property
    def valence(self) -> float | None:
        """Share of positive minus share of negative messages, in [-1, 1]; None for labels without such a level."""
        return self.measure_valence().value

    def measure_valence(self) -> Interval:
        """Return the valence with its 95% interval."""
        for counts in (*self.levels.values(), self.labels):
            if POLARITY & set(counts):
                return measure_balance(counts.get(POSITIVE, 0), counts.get(NEGATIVE, 0), self.messages)
        return measure_balance(0, 0, self.messages) if self.has_polarity else Interval()

    def measure_label(self, label: str) -> Interval:
        """Return the share of messages with a label, with its 95% interval."""
        return measure_share(self.labels.get(label, 0), self.messages)

    def add_label_count(self, level: str, label: str, messages: int) -> None:
        """Add messages of a label, or of a label of a coarser level; the level of labels is empty."""
        table = self.levels.setdefault(level, {}) if level else self.labels
        table[label] = table.get(label, 0) + messages

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        valence = self.measure_valence()
        return {
            "start": self.start.isoformat(timespec="seconds"), "seconds": self.seconds,
            "attributes": dict(self.attributes), "messages": self.messages, "abstained": self.abstained,
            "valence": None if valence.value is None else round(valence.value, DIGITS),
            "valence_interval": _round_ends(valence),
            "labels": self.labels, "levels": self.levels,
            "label_intervals": {label: _round_ends(self.measure_label(label)) for label in self.labels},
        }  # fmt: skip


@dataclass(frozen=True)
class StreamState:
    """A monitored stream: its total counts, the end of the closed windows, and the attributes they count by."""

    name: str
    counts: Mapping[str, int]
    updated: datetime
    closed_until: datetime | None
    attributes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        closed = None if self.closed_until is None else self.closed_until.isoformat(timespec="seconds")
        updated = self.updated.isoformat(timespec="seconds")
        return {
            "name": self.name, "counts": dict(self.counts), "updated": updated, "closed_until": closed,
            "attributes": list(self.attributes),
        }  # fmt: skip


@dataclass(frozen=True)
class Trend:
    """The windows of a stream in their order, and its alerts, the newest first."""

    stream: StreamState
    points: tuple[TrendPoint, ...]
    alerts: tuple[Alert, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {
            "stream": self.stream.to_dict(),
            "windows": [point.to_dict() for point in self.points],
            "alerts": [alert.to_dict() for alert in self.alerts],
        }


def sum_points(points: Sequence[TrendPoint]) -> TrendPoint | None:
    """Return the sum of windows; it has the start of the first one."""
    if not points:
        return None
    total = TrendPoint(points[0].start, points[0].seconds, {}, has_polarity=any(one.has_polarity for one in points))
    for point in points:
        total.messages += point.messages
        total.abstained += point.abstained
        for level, counts in {"": point.labels, **point.levels}.items():
            for label, count in counts.items():
                total.add_label_count(level, label, count)
    return total


def mark_polarity(points: Sequence[TrendPoint]) -> None:
    """Mark all windows of a stream as ones with a polarity if any of them has it: in a neutral one the valence is 0."""
    if any(one.valence is not None for one in points):
        for one in points:
            one.has_polarity = True


def list_streams(database: Database) -> list[StreamState]:
    """Return the monitored streams of a store, the last updated first."""
    with database.begin_read() as connection:
        rows = connection.execute(sa.select(STREAMS).order_by(STREAMS.c.updated.desc())).mappings()
        return [_read_state(connection, row) for row in rows.all()]


def read_trend(
    database: Database,
    stream: str | None = None,
    *,
    last: int = 24,
    by: tuple[str, ...] = (),
    where: Mapping[str, str] | None = None,
    alerts: int = 20,
) -> Trend:
    """Return the newest windows of a stream.

    stream  its name (default: the stream that was updated last)
    last    how many starts of windows
    by      attributes that stay apart; windows that differ only in others are added up
    where   only windows with these values of attributes
    alerts  how many alerts

    Raises `UnknownNameError` for a stream that the store does not have, `DataError` for an attribute that it is not
    counted by.
    """
    with database.begin_read() as connection:
        row = _find_stream(connection, stream)
        inside = _find_newest(connection, row["id"], last)
        points = _read_points(connection, inside, by, where or {})
        mark_polarity(points)
        found = sa.select(ALERTS).where(ALERTS.c.stream == row["id"]).order_by(ALERTS.c.id.desc()).limit(alerts)
        raised = tuple(read_alert(one, row["name"]) for one in connection.execute(found).mappings())
        state = _read_state(connection, row)
    return Trend(state, tuple(points), raised)


def _find_newest(connection: sa.Connection, stream: int, last: int) -> sa.ColumnElement[bool]:
    """Return the condition of the windows with the newest starts.

    It names the lengths of the windows, nearly always one, so that the key of the table finds windows and order: no
    store with millions of windows is searched.
    """
    of_stream = WINDOWS.c.stream == stream
    lengths: list[int] = []
    while True:
        further = sa.select(sa.func.min(WINDOWS.c.seconds)).where(
            of_stream, WINDOWS.c.seconds > max(lengths, default=0)
        )
        length = connection.execute(further).scalar_one()
        if length is None:
            break
        lengths.append(length)
    starts: set[int] = set()
    for length in lengths:
        some = sa.select(WINDOWS.c.start).where(of_stream, WINDOWS.c.seconds == length).distinct()
        starts.update(connection.execute(some.order_by(WINDOWS.c.start.desc()).limit(last)).scalars())
    oldest = min(sorted(starts)[-last:], default=0)
    return of_stream & WINDOWS.c.seconds.in_(lengths) & (WINDOWS.c.start >= oldest)


def _find_stream(connection: sa.Connection, name: str | None) -> sa.RowMapping:
    query = sa.select(STREAMS).order_by(STREAMS.c.updated.desc())
    rows = connection.execute(query).mappings().all()
    if not rows:
        raise DataError("The store has no monitored stream. Start `insula monitor` first, or check --store.")
    if name is None:
        return rows[0]
    for row in rows:
        if row["name"] == name:
            return row
    known = [row["name"] for row in rows]
    raise UnknownNameError(
        f"The stream must be one of {', '.join(map(repr, known))}. Got {name!r}.{suggest(name, known, CHOOSE)}"
    )


def _read_points(
    connection: sa.Connection, inside: sa.ColumnElement[bool], by: tuple[str, ...], where: Mapping[str, str]
) -> list[TrendPoint]:
    """Return the windows that fulfil a condition, added up unless they differ in an attribute of `by`, in order.

    A week of many topics has thousands of windows and tens of thousands of labels: rows are read as plain tuples, and
    the attributes of each group are parsed once.
    """
    columns = (WINDOWS.c.id, WINDOWS.c.start, WINDOWS.c.seconds, WINDOWS.c.attributes)
    windows = connection.execute(sa.select(*columns, WINDOWS.c.messages, WINDOWS.c.abstained).where(inside)).all()
    counts = sa.select(WINDOW_LABELS).join(WINDOWS, WINDOWS.c.id == WINDOW_LABELS.c.window)
    labels = connection.execute(counts.where(inside, WINDOW_LABELS.c.level != ALERT)).all()
    groups: dict[str, dict[str, str] | None] = {}
    moments: dict[int, datetime] = {}
    points: dict[tuple[int, int, tuple[str, ...]], TrendPoint] = {}
    places: dict[int, TrendPoint] = {}
    for id, start, seconds, attributes, messages, abstained in windows:
        if attributes not in groups:
            groups[attributes] = _keep_attributes(attributes, by) if matches(where, attributes) else None
        kept = groups[attributes]
        if kept is None:
            continue
        key = (start, seconds, tuple(kept.values()))
        point = points.get(key)
        if point is None:
            moment = moments.get(start)
            if moment is None:
                moment = moments[start] = datetime.fromtimestamp(start, UTC)
            point = points[key] = TrendPoint(moment, seconds, kept)
        point.messages += messages
        point.abstained += abstained
        places[id] = point
    for window, level, label, messages in labels:
        counted = places.get(window)
        if counted is not None:
            counted.add_label_count(level, label, messages)
    return [points[key] for key in sorted(points)]


def _keep_attributes(group: str, by: tuple[str, ...]) -> dict[str, str]:
    """Return the attributes of `by` of a group of windows. Raises `DataError` for one that it is not counted by."""
    given = parse_group(group)
    for name in by:
        if name not in given:
            raise DataError(
                f"The windows are counted by {', '.join(given) or 'no attribute'}. Got {name!r}. Choose one of these, "
                "or add it to windows.by of the monitor."
            )
    return {name: given[name] for name in by}


def _read_state(connection: sa.Connection, row: sa.RowMapping) -> StreamState:
    closed = None if row["closed_until"] is None else datetime.fromtimestamp(row["closed_until"], UTC)
    names = [name for group in read_attribute_batches(connection, row["id"], 1) for name in parse_group(group)]
    return StreamState(row["name"], dict(row["counts"]), row["updated"], closed, tuple(names))


def _round_ends(interval: Interval) -> list[float] | None:
    if interval.low is None or interval.high is None:
        return None
    return [round(interval.low, DIGITS), round(interval.high, DIGITS)]
