"""`Monitor`: predicts the messages of a stream, counts them by windows of event time, and raises alerts.

A batch is one transaction: ids, counts, alerts and the position of the stream are stored together, and only then is the
batch confirmed to the source. A monitor that dies between the two gets the messages again and recognises their ids, so
that every message is counted once.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from insula.core.durations import parse_duration
from insula.core.errors import DataError
from insula.core.progress import Progress, Silent
from insula.inference.predictor import Predictor
from insula.operations.monitoring.alerts import Alert, AlertBook, check_shift, check_windows
from insula.operations.monitoring.counting import MAX_GROUPS, MessageCounter
from insula.operations.monitoring.drift_watch import DriftWatch
from insula.operations.monitoring.message_batch import MessageBatch, predict_messages
from insula.operations.monitoring.retry_until_stopped import retry_until_stopped
from insula.operations.monitoring.settings import DRIFT, MonitorFile
from insula.operations.monitoring.shift import ShiftDetector
from insula.operations.monitoring.window_rows import (
    add_counts,
    add_new_ids,
    delete_ids,
    delete_windows,
    read_attribute_batches,
)
from insula.operations.outbox.outbox import Outbox, add_notifications
from insula.operations.store.database import Database
from insula.operations.store.tables import ALERTS, STREAMS
from insula.operations.streams.message import MessageReader, StreamMessage
from insula.operations.streams.source import MessageSource, StreamEntry

BATCH = 2000  # messages of one transaction
WAIT = 1.0  # seconds to wait for a message
CLEAN_EVERY = 600.0  # seconds between two deletions of expired data
FUTURE_SECONDS = 300  # clocks differ by less

T = TypeVar("T")


@dataclass
class MonitorReport:
    """The counts, alerts and notes of a run of a monitor.

    read      entries that were read
    counted   messages in windows
    repeated  messages that were counted before, by their id
    late      messages whose window was closed; they are in no window
    rejected  entries that are no messages
    untimed   counted messages without a time: the time when they were read counts
    future    counted messages with a time in the future: the time when they were read counts
    other     counted messages beyond the 1,000 combinations of attributes that are counted apart
    alerts    alerts that were raised or ended, in order
    notes     sentences about what was not as expected
    """

    read: int = 0
    counted: int = 0
    repeated: int = 0
    late: int = 0
    rejected: int = 0
    untimed: int = 0
    future: int = 0
    other: int = 0
    alerts: list[Alert] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {**self.__dict__, "alerts": [alert.to_dict() for alert in self.alerts], "notes": list(self.notes)}


class Monitor:
    """Reads a stream until it ends or `stop` is set.

    stream    a name for the stream in the store (default: that of the source); monitors with one name count together
    on_alert  called with each alert that is raised or ended, after it is stored
    clock     returns the time in UTC
    """

    def __init__(
        self,
        predictor: Predictor,
        database: Database,
        settings: MonitorFile,
        *,
        stream: str | None = None,
        on_alert: Callable[[Alert], object] = lambda alert: None,
        progress: Progress | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        MessageCounter(predictor.scheme, settings)  # raises for alerts that do not fit the labels
        self._predictor = predictor
        self._database = database
        self._settings = settings
        self._stream = stream
        self._on_alert = on_alert
        self._progress = progress or Silent()
        self._clock = clock
        self._reader = MessageReader(settings.fields)
        self._cleaned = -CLEAN_EVERY
        watch = DriftWatch.open(predictor, settings.drift)
        self._unwatched = watch if isinstance(watch, str) else None
        self._watch = watch if isinstance(watch, DriftWatch) else None

    def run(self, source: MessageSource, stop: threading.Event | None = None) -> MonitorReport:
        """Read the stream.

        While the store or the stream does not answer, the monitor reports it and tries again: nothing is lost. Raises
        `StoreError` and `OutputError` for what will not become better by itself.
        """
        stop = stop or threading.Event()
        report = MonitorReport()
        name = self._stream or source.name
        row = self._retry(lambda: self._open_stream(name), stop)
        if row is None:
            return report
        number, position, groups = row
        counting = MessageCounter(self._predictor.scheme, self._settings, groups)
        for sentence in (source.resume(position), self._unwatched):
            if sentence:
                self._add_note(report, sentence)
        self._progress.start("monitor")
        while not stop.is_set() and not source.ended:
            entries = self._retry(lambda: source.read(BATCH, WAIT), stop)
            if not entries:
                continue
            self._process_entries(source, number, name, entries, counting, report, stop)
            self._delete_expired(number, stop)
        self._progress.finish()
        return report

    def _process_entries(
        self, source: MessageSource, number: int, name: str, entries: Sequence[StreamEntry], counting: MessageCounter,
        report: MonitorReport, stop: threading.Event,
    ) -> None:  # fmt: skip
        now = self._clock()
        messages: list[StreamMessage] = []
        rejected = 0
        for entry in entries:
            try:
                messages.append(self._reader.read(entry, now))
            except DataError as error:
                reason = str(error)
                rejected += 1
                self._retry(lambda entry=entry, reason=reason: source.reject(entry, reason), stop)  # type: ignore[misc]
        first = {message.id: message for message in reversed(messages)}
        unique = [message for message in messages if first[message.id] is message]
        limit = now + timedelta(seconds=max(FUTURE_SECONDS, parse_duration(self._settings.windows.grace)))
        batch = predict_messages(self._predictor, counting, unique, now, limit, self._watch)
        stored = self._retry(lambda: self._store(number, name, entries[-1].position, batch, rejected, now), stop)
        if stored is None:
            return
        counts, alerts = stored
        counts["repeated"] += len(messages) - len(unique)
        counts["other"] = counting.crowded_out - report.other
        for kind, count in ({"read": len(entries), "rejected": rejected} | counts).items():
            setattr(report, kind, getattr(report, kind) + count)
        self._retry(lambda: source.confirm(entries), stop)
        for alert in alerts:
            report.alerts.append(alert)
            self._on_alert(alert)
        self._progress.advance(len(entries), alerts=len(report.alerts))

    def _store(
        self, number: int, name: str, position: str, batch: MessageBatch, rejected: int, now: datetime
    ) -> tuple[dict[str, int], list[Alert]]:
        windows = self._settings.windows
        seconds = windows.seconds
        with self._database.begin_write() as connection:
            stream = sa.select(STREAMS).where(STREAMS.c.id == number).with_for_update()
            row = connection.execute(stream).mappings().one()
            new = add_new_ids(self._database, connection, number, batch.ids, now)
            closed = row["closed_until"]
            is_new = np.array([one in new for one in batch.ids], dtype=bool)
            is_late = np.array(
                [closed is not None and start + seconds <= closed for start, _ in batch.keys], dtype=bool
            )
            taken = np.flatnonzero(is_new & ~is_late).tolist()
            add_counts(self._database, connection, number, seconds, batch.count(taken))
            times = [batch.messages[place].time.timestamp() for place in batch.choose_clocks(taken)]
            latest = max([*times, row["latest"] or 0.0])
            now_closed = int((latest - parse_duration(windows.grace)) // seconds) * seconds if len(taken) else closed
            if closed is not None and now_closed is not None:
                now_closed = max(closed, now_closed)
            book = AlertBook(connection, number, name)
            shifts, alerts = self._check_alerts(
                connection, number, book, batch, taken, row["shifts"], (closed, now_closed)
            )
            counts = {
                "counted": len(taken), "repeated": int((~is_new).sum()), "late": int((is_new & is_late).sum()),
                "untimed": sum(not batch.messages[place].has_time for place in taken),
                "future": sum(batch.is_future[place] for place in taken),
            }  # fmt: skip
            total = Counter(row["counts"]) + Counter(counts | {"rejected": rejected})
            values = {
                "position": position, "latest": latest, "closed_until": now_closed, "counts": dict(total),
                "shifts": shifts, "updated": now,
            }  # fmt: skip
            connection.execute(sa.update(STREAMS).where(STREAMS.c.id == number).values(values))
            told = [alert.to_notification() for alert in alerts]
            add_notifications(self._database, connection, told, self._settings.receivers, now)
        return counts, alerts

    def _check_alerts(
        self, connection: Connection, number: int, book: AlertBook, batch: MessageBatch, taken: Sequence[int],
        shifts: Mapping[str, Any], closed: tuple[int | None, int | None],
    ) -> tuple[dict[str, Any], list[Alert]]:  # fmt: skip
        """Return the new state of the shifts and the alerts that changed."""
        alerts: list[Alert] = []
        states: dict[str, Any] = {}
        # The first batch of a stream closes windows that are in the store since a moment ago.
        first, last = closed[0] or 0, closed[1] or 0
        for rule, hits in zip(self._settings.alerts, batch.hits, strict=True):
            if rule.kind == "shift":
                detector = ShiftDetector.restore(rule, shifts.get(rule.name))
                seen = [place for place in taken if batch.has_attributes(rule.where, place)]
                times = [batch.messages[place].time for place in seen]
                findings = check_shift(rule, detector, hits[np.array(seen, dtype=np.int64)], times)
                alerts += book.record(rule, findings)
                states[rule.name] = detector.to_dict(rule)
            elif last > first:
                seconds = self._settings.windows.seconds
                findings = check_windows(connection, number, seconds, rule, (first, last))
                alerts += book.record(rule, findings)
        if self._watch is not None and batch.observed is not None:
            times = [message.time for message in batch.messages]
            states[DRIFT], findings = self._watch.check(shifts.get(DRIFT), batch.observed, taken, times)
            alerts += book.record(self._settings.drift, findings)
        return states, alerts

    def _open_stream(self, name: str) -> tuple[int, str | None, list[str]]:
        """Return the number of a stream, its position, and the attributes of its windows; make its row if needed."""
        values = {"name": name, "counts": {}, "shifts": {}, "updated": self._clock()}
        with self._database.begin_write() as connection:
            connection.execute(self._database.insert_new(STREAMS).values(values))
            row = connection.execute(sa.select(STREAMS).where(STREAMS.c.name == name)).mappings().one()
            return row["id"], row["position"], read_attribute_batches(connection, row["id"], MAX_GROUPS)

    def _delete_expired(self, number: int, stop: threading.Event) -> None:
        """Delete data past its retention period, at intervals of `CLEAN_EVERY`."""
        if time.monotonic() - self._cleaned < CLEAN_EVERY:
            return
        self._cleaned = time.monotonic()
        now, windows = self._clock(), self._settings.windows
        oldest = now - timedelta(seconds=parse_duration(windows.keep))

        def clean() -> bool:
            with self._database.begin_write() as connection:
                delete_ids(connection, number, now - timedelta(seconds=parse_duration(windows.keep_ids)))
                connection.execute(
                    sa.delete(ALERTS).where(
                        ALERTS.c.stream == number, ALERTS.c.ended.is_not(None), ALERTS.c.ended < oldest
                    )
                )
                return delete_windows(connection, number, oldest.timestamp()) > 0

        while self._retry(clean, stop):
            pass
        self._retry(Outbox(self._database).delete_old, stop)

    def _retry(self, call: Callable[[], T], stop: threading.Event) -> T | None:
        return retry_until_stopped(call, stop, self._progress.say)

    def _add_note(self, report: MonitorReport, sentence: str) -> None:
        report.notes.append(sentence)
        self._progress.say(sentence)
