"""`build_report`: read a file of messages once, predict them, and count them by group and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from insula.core.durations import parse_duration
from insula.core.errors import DataError
from insula.core.levels import find_levels
from insula.core.progress import Progress, Silent
from insula.core.scheme import LabelScheme
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows
from insula.data.formats.row_reader import RowBatch
from insula.evaluation.metrics.proportions import measure_share
from insula.inference.predictor import Predictor
from insula.operations.monitoring.counting import ALERT, Key, MessageCounter, WindowCount, parse_group
from insula.operations.monitoring.message_batch import MessageBatch, predict_messages
from insula.operations.monitoring.settings import AlertRule, MonitorFile, WindowSettings
from insula.operations.monitoring.trend import NEGATIVE, POLARITY, POSITIVE, TrendPoint, mark_polarity
from insula.operations.reporting.influential_words import Candidate, Candidates, build_explainer, summarise_polarity
from insula.operations.reporting.report import ApplicableAdvice, GroupReport, MessageReport
from insula.operations.reporting.settings import ReportFile
from insula.operations.streams.message import MessageReader, StreamMessage
from insula.operations.streams.source import StreamEntry
from insula.safety.signals.detect import has_signal

ALL = ""
"""The group of all messages."""
HOUR, DAY = 3600, 86400
LENGTHS = (HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 91 * DAY, 364 * DAY)
MAX_WINDOWS = 24
MAX_GROUPS = 30
FEW_LABELS = 3  # the most frequent ones; those without polarity are sides of their own
NEUTRAL = "neutral"
BATCH = 512


def build_report(
    predictor: Predictor,
    source: str | Path,
    settings: ReportFile,
    *,
    reading: ReadOptions = DETECTED,
    progress: Progress | None = None,
) -> MessageReport:
    """Return the report on a file of messages. Memory grows with groups and windows, not with messages.

    source  a file of rows in any format that `insula predict` reads, or `-`

    Raises `DataError` without messages, for an attribute that none of them has, for labels of an advice that the model
    does not have, and for a model that predicts dimensions.
    """
    progress = progress or Silent()
    work = _ReportBuilder(predictor, settings)
    with open_rows(source, batch_size=BATCH, **reading._asdict()) as rows:
        progress.start("messages")
        for batch in rows:
            work.take(batch)
            progress.advance(len(batch.rows))
        progress.finish()
        rejected = work.rejected + rows.reject_count
        first = work.first_reject or rows.first_reject
        notes = rows.warnings
    if not work.messages:
        reason = "" if first is None else f" The first row: {first}."
        raise DataError(f"The file {str(source)!r} must have messages. It has none.{reason} Check its columns.")
    if settings.by is not None and settings.by not in work.attributes:
        known = ", ".join(sorted(work.attributes)) or "none"
        raise DataError(
            f"No message has the attribute {settings.by!r}. The attributes are: {known}. Choose one of them."
        )
    return work.finish(str(source), rejected, first, notes, progress)


class _ReportBuilder:
    """The counts of the messages so far."""

    def __init__(self, predictor: Predictor, settings: ReportFile) -> None:
        self._predictor, self._settings = predictor, settings
        self._explain = build_explainer(predictor)
        rules = tuple(
            AlertRule(name=one.name, kind="threshold", labels=one.labels, above=one.above) for one in settings.advice
        )
        by = () if settings.by is None else (settings.by,)
        windows = WindowSettings(length=settings.window or "1h", by=by)
        self._counting = MessageCounter(predictor.scheme, MonitorFile(windows=windows, alerts=rules))
        self._reader = MessageReader(settings.fields)
        self._now = datetime.now(UTC)
        self._timed: dict[Key, WindowCount] = {}
        self._untimed: dict[Key, WindowCount] = {}
        self._candidates = Candidates()
        self.messages = self.untimed = self.rejected = 0
        self.first_reject: str | None = None
        self.at_risk: list[str] = []
        self.attributes: set[str] = {"language"}

    def take(self, rows: RowBatch) -> None:
        """Count the messages of some rows."""
        messages: list[StreamMessage] = []
        for line, row in zip(rows.lines, rows.rows, strict=True):
            try:
                given = {name: value for name, value in row.items() if value not in (None, "")}
                messages.append(self._reader.read_row(given, StreamEntry(str(line), b""), self._now))
            except DataError as error:
                self.rejected += 1
                self.first_reject = self.first_reject or f"line {line}: {error}"
        if not messages:
            return
        limit = self._now + timedelta(days=1)
        batch = predict_messages(self._predictor, self._counting, messages, self._now, limit)
        timed = [place for place, one in enumerate(batch.messages) if one.has_time]
        untimed = [place for place, one in enumerate(batch.messages) if not one.has_time]
        for counts, places in ((self._timed, timed), (self._untimed, untimed)):
            _add(counts, batch.count(places))
        self.untimed += len(untimed)
        risky = {place for place, one in enumerate(batch.messages) if has_signal(one.text)}
        self.at_risk += [batch.messages[place].id for place in sorted(risky)]
        self._keep_candidates(batch, risky)
        self.messages += len(messages)
        for one in messages:
            self.attributes.update(one.attributes)

    def finish(
        self, source: str, rejected: int, first: str | None, notes: Sequence[str], progress: Progress
    ) -> MessageReport:
        """Return the report."""
        windows = self._choose_window_length()
        found = self._build_groups(windows)
        names = sorted((name for name in found if name != ALL), key=lambda name: (-found[name][1].messages, name))
        shown = names[:MAX_GROUPS]
        progress.start("explaining", len(shown) + 1)
        groups = []
        for name in (ALL, *shown):
            groups.append(self._build_group(name, *found[name]))
            progress.advance()
        progress.finish()
        by_valence = sorted(groups[1:], key=lambda group: (group.total.valence or 0.0, group.name))
        return MessageReport(
            self._settings, source, self._settings.model or "", groups[0], by_valence, rejected, first,
            self.untimed, self.at_risk, len(names) - len(shown), notes,
        )  # fmt: skip

    def _keep_candidates(self, batch: MessageBatch, risky: set[int]) -> None:
        names = self._predictor.scheme.names
        for place, label in zip(*np.nonzero(batch.decisions.chosen), strict=True):
            if place in risky:
                continue
            message = batch.messages[place]
            time = message.time if message.has_time else None
            score = float(batch.decisions.scores[place, label])
            is_sure = not batch.decisions.abstained[place]
            one = Candidate(is_sure, score, -(self.messages + int(place)), message.text, names[label], time)
            for group in {ALL, self._name_group(batch.keys[place][1])}:
                self._candidates.add(group, one)

    def _name_group(self, attributes: str) -> str:
        return ALL if self._settings.by is None else parse_group(attributes)[self._settings.by]

    def _choose_window_length(self) -> int:
        """Return the length of windows in seconds."""
        if self._settings.window is not None:
            return parse_duration(self._settings.window)
        starts = [start for start, _ in self._timed] or [0]
        first, last = min(starts), max(starts)
        return next((one for one in LENGTHS if last // one - first // one < MAX_WINDOWS), LENGTHS[-1])

    def _build_groups(
        self, seconds: int
    ) -> dict[str, tuple[list[TrendPoint], TrendPoint, Mapping[str, int]]]:  # fmt: skip
        """Return for each group its windows, their sum with messages that have no time, and the hits of advice."""
        points: dict[str, dict[int, TrendPoint]] = {}
        totals: dict[str, TrendPoint] = {}
        hits: dict[str, dict[str, int]] = {}
        for counts, is_timed in ((self._timed, True), (self._untimed, False)):
            for (start, attributes), count in counts.items():
                for group in {ALL, self._name_group(attributes)}:
                    whole = start // seconds * seconds
                    total = totals.setdefault(group, TrendPoint(datetime.fromtimestamp(whole, UTC), seconds, {}))
                    some = [total]
                    if is_timed:
                        new = TrendPoint(datetime.fromtimestamp(whole, UTC), seconds, {})
                        some.append(points.setdefault(group, {}).setdefault(whole, new))
                    for point in some:
                        _count(point, count)
                    for (level, label), messages in count.labels.items():
                        if level == ALERT:
                            held = hits.setdefault(group, {})
                            held[label] = held.get(label, 0) + messages
        mark_polarity([*totals.values(), *(point for some in points.values() for point in some.values())])
        return {
            group: ([rows[start] for start in sorted(rows)], total, hits.get(group, {}))
            for group, total in totals.items()
            for rows in (points.get(group, {}),)
        }

    def _build_group(
        self, name: str, points: list[TrendPoint], total: TrendPoint, hits: Mapping[str, int]
    ) -> GroupReport:
        sides = []
        for side, labels in _group_labels_by_polarity(self._predictor.scheme, total).items():
            messages = _count_polarity(total, side, labels)
            if messages:
                chosen = self._candidates.choose(name, labels)
                sides.append(summarise_polarity(self._explain, side, messages, chosen))
        given = [
            ApplicableAdvice(one, share)
            for one in self._settings.advice
            for share in (measure_share(hits.get(one.name, 0), total.messages),)
            if share.low is not None and share.low > one.above
        ]
        return GroupReport(name, total, points, sides, given)


def _add(counts: dict[Key, WindowCount], more: Mapping[Key, WindowCount]) -> None:
    for key, one in more.items():
        total = counts.setdefault(key, WindowCount())
        total.messages += one.messages
        total.abstained += one.abstained
        total.labels.update(one.labels)


def _count(point: TrendPoint, count: WindowCount) -> None:
    point.messages += count.messages
    point.abstained += count.abstained
    for (level, label), messages in count.labels.items():
        if level != ALERT:
            point.add_label_count(level, label, messages)


def _group_labels_by_polarity(scheme: LabelScheme, total: TrendPoint) -> dict[str, list[str]]:
    """Group labels by polarity, and add frequent ones that have none; without polarity, return frequent labels."""
    frequent = sorted(total.labels, key=lambda name: (-total.labels[name], name))[:FEW_LABELS]
    sides: dict[str, list[str]] = {}
    if set(scheme.names) >= POLARITY:
        sides = {POSITIVE: [POSITIVE], NEGATIVE: [NEGATIVE]}
    for level in find_levels(scheme).values():
        if set(level.scheme.names) >= POLARITY:
            children = {side: level.children[:, level.scheme.names.index(side)] for side in (POSITIVE, NEGATIVE)}
            sides = {
                side: [name for name, is_child in zip(scheme.names, column, strict=True) if is_child]
                for side, column in children.items()
            }
            break
    taken = {name for labels in sides.values() for name in labels}
    return sides | {label: [label] for label in frequent if label not in taken and label != NEUTRAL}


def _count_polarity(total: TrendPoint, side: str, labels: Sequence[str]) -> int:
    for counts in total.levels.values():
        if side in counts:
            return counts[side]
    return sum(total.labels.get(label, 0) for label in labels)
