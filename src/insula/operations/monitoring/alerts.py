"""Alerts: raised when a rule applies, ended when it no longer does, stored in the transaction of the messages."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from insula.core.durations import parse_duration
from insula.operations.monitoring.settings import AlertRule, DriftSettings
from insula.operations.monitoring.shift import ShiftDetector
from insula.operations.monitoring.window_rows import WindowHits, read_window_hits
from insula.operations.outbox.outbox import Notification
from insula.operations.store.tables import ALERTS, WINDOWS

MAX_SEASONS = 8
MIN_SEASONS = 4


@dataclass(frozen=True)
class Alert:
    """A stored alert. Its times come from the messages: the end of a window, or the message that completes a shift.

    raised, ended  when it was raised and when it ended; None while it lasts
    window         start of the window that raised it; None for a shift
    reason         in a sentence, without a word of a message
    facts          its figures: `share` or `messages`, `expected`, `limit`; `usual`, until version 0.3, is
                   `expected`
    """

    id: int
    stream: str
    rule: str
    raised: datetime
    ended: datetime | None
    window: datetime | None
    reason: str
    facts: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {
            "id": self.id, "stream": self.stream, "rule": self.rule, "raised": _write(self.raised),
            "ended": _write(self.ended), "window": _write(self.window), "reason": self.reason,
            "facts": dict(self.facts),
        }  # fmt: skip

    @property
    def event(self) -> str:
        """The name of the latest event: `alert.raised` or `alert.ended`."""
        return "alert.raised" if self.ended is None else "alert.ended"

    def to_notification(self) -> Notification:
        """Return the notification for receivers."""
        said = f"Alert {self.rule}: {self.reason}" if self.ended is None else f"Alert {self.rule} has ended."
        return Notification(self.event, f"{self.event} {self.id}", said, self.to_dict())


@dataclass(frozen=True)
class Finding:
    """The result of checking a rule: whether it applies, when, and why; `window` is the start of a window."""

    applies: bool
    moment: datetime
    reason: str
    facts: Mapping[str, Any]
    window: int | None = None


class AlertBook:
    """The alerts of a stream in an open transaction."""

    def __init__(self, connection: Connection, stream: int, name: str) -> None:
        self._connection = connection
        self._stream = stream
        self._name = name

    def record(self, rule: AlertRule | DriftSettings, findings: Sequence[Finding]) -> Iterator[Alert]:
        """Raise or end the alert of a rule according to its findings; yield each alert that changed."""
        last = self._find_last(rule.name)
        for finding in findings:
            if last is not None and last.ended is None:  # it is raised
                if not finding.applies:
                    last = self._end_alert(last, finding.moment)
                    yield last
            elif finding.applies and (
                last is None or last.ended is None or finding.moment >= last.ended + rule.cool_down_time
            ):
                last = self._raise_alert(rule.name, finding)
                yield last

    def _find_last(self, rule: str) -> Alert | None:
        query = sa.select(ALERTS).where(ALERTS.c.stream == self._stream, ALERTS.c.rule == rule)
        row = self._connection.execute(query.order_by(ALERTS.c.id.desc()).limit(1)).mappings().one_or_none()
        return None if row is None else read_alert(row, self._name)

    def _raise_alert(self, rule: str, finding: Finding) -> Alert:
        values = {
            "stream": self._stream, "rule": rule, "raised": finding.moment, "window": finding.window,
            "reason": finding.reason, "facts": dict(finding.facts),
        }  # fmt: skip
        row = self._connection.execute(sa.insert(ALERTS).values(values).returning(ALERTS)).mappings().one()
        return read_alert(row, self._name)

    def _end_alert(self, alert: Alert, moment: datetime) -> Alert:
        query = sa.update(ALERTS).where(ALERTS.c.id == alert.id).values(ended=moment).returning(ALERTS)
        return read_alert(self._connection.execute(query).mappings().one(), self._name)


def check_windows(
    connection: Connection, stream: int, seconds: int, rule: AlertRule, closed: tuple[int, int]
) -> list[Finding]:
    """Return the findings of a rule in the windows that close, which start in [first, last)."""
    earlier = closed[0] - (rule.windows - 1) * seconds
    range_ = (WINDOWS.c.start >= earlier) & (WINDOWS.c.start < closed[1])
    findings: list[Finding] = []
    row: list[int] = []  # starts of windows one after the other to which the rule applies
    for window in read_window_hits(connection, stream, seconds, rule, range_):
        if window.messages < (rule.least if rule.labels else 1):
            continue
        if rule.above is not None:
            found: Finding | None = _check_threshold(rule, rule.above, window, seconds)
        else:
            seasons = _read_seasons(connection, stream, seconds, rule, window.start)
            found = _check_spike(rule, window, seasons, seconds)
        if found is None:
            continue
        row = [*(row if row and row[-1] == window.start - seconds else []), window.start] if found.applies else []
        if window.start >= closed[0]:
            findings.append(replace(found, applies=len(row) >= rule.windows))
    return findings


def check_shift(rule: AlertRule, detector: ShiftDetector, hits: Any, times: Sequence[datetime]) -> list[Finding]:
    """Return the changes of a share that a rule finds in messages, in their order."""
    findings = []
    for change in detector.update(hits):
        words = "rises" if change.raised else "is back to the expected share"
        reason = f"The share of {' or '.join(rule.labels)} {words} (expected: {change.expected:.1%})."
        facts = {"labels": list(rule.labels), **_name_expected(change.expected), "factor": rule.factor}
        findings.append(Finding(change.raised, times[change.place - 1], reason, facts))
    return findings


def read_alert(row: Any, stream: str) -> Alert:
    """Return the alert of a row."""
    window = None if row["window"] is None else datetime.fromtimestamp(row["window"], UTC)
    return Alert(row["id"], stream, row["rule"], row["raised"], row["ended"], window, row["reason"], dict(row["facts"]))


def _check_threshold(rule: AlertRule, limit: float, window: WindowHits, seconds: int) -> Finding:
    value = window.share if rule.labels else float(window.messages)
    facts: dict[str, Any] = {"labels": list(rule.labels), "messages": window.messages, "limit": limit}
    if rule.labels:
        facts["share"] = round(value, 6)
        reason = f"{value:.1%} of {window.messages:,} messages are {' or '.join(rule.labels)} (limit: {limit:.1%})."
    else:
        reason = f"{window.messages:,} messages (limit: {limit:,g})."
    return Finding(value > limit, _find_end(window, seconds), reason, facts, window.start)


def _check_spike(rule: AlertRule, window: WindowHits, seasons: Sequence[WindowHits], seconds: int) -> Finding | None:
    """Compare a window with earlier ones at the same time; None if there are too few of them."""
    if len(seasons) < MIN_SEASONS:
        return None
    values = [one.share if rule.labels else float(one.messages) for one in seasons]
    expected, between = statistics.fmean(values), statistics.variance(values) * (1 + 1 / len(values))
    if rule.labels:
        value = window.share
        # Half a message: a label that never occurred would have no deviation at all.
        share = max(expected, 0.5 / window.messages)
        within = share * (1 - share) / window.messages
    else:
        value, within = float(window.messages), max(expected, 1.0)
    score = (value - expected) / math.sqrt(between + within)
    facts: dict[str, Any] = {
        "labels": list(rule.labels),
        "messages": window.messages, **_name_expected(expected), "deviations": round(score, 2), "windows": len(values),
    }  # fmt: skip
    if rule.labels:
        facts["share"] = round(value, 6)
        said = f"{value:.1%} of {window.messages:,} messages are {' or '.join(rule.labels)} (expected: {expected:.1%}"
    else:
        said = f"{window.messages:,} messages (expected: {expected:,.0f}"
    reason = f"{said}; {score:.1f} standard deviations above)."
    return Finding(score >= rule.deviations, _find_end(window, seconds), reason, facts, window.start)


def _name_expected(value: float) -> dict[str, float]:
    """Return the facts with the expected share or number; `usual` is the name until version 0.3."""
    return {"expected": round(value, 6), "usual": round(value, 6)}


def _find_end(window: WindowHits, seconds: int) -> datetime:
    return datetime.fromtimestamp(window.start + seconds, UTC)


def _read_seasons(connection: Connection, stream: int, seconds: int, rule: AlertRule, start: int) -> list[WindowHits]:
    season = parse_duration(rule.season)
    starts = [(start - place * season) // seconds * seconds for place in range(1, MAX_SEASONS + 1)]
    found = read_window_hits(connection, stream, seconds, rule, WINDOWS.c.start.in_(starts))
    return [one for one in found if one.messages >= (rule.least if rule.labels else 1)]


def _write(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
