"""Windows of event time, counted once; alerts that are raised and end."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

import toy_data
from insula.api.drift import measure_drift
from insula.api.monitoring import monitor
from insula.core.errors import DataError, NewerFormatError, StoreUnreachableError, StreamError, UnknownNameError
from insula.evaluation.drift.reference import FILE, FORMAT_VERSION
from insula.inference.predictor import Predictor
from insula.operations.monitoring.alerts import Alert
from insula.operations.monitoring.monitor import Monitor, MonitorReport
from insula.operations.monitoring.settings import AlertRule, MonitorFile, parse_monitor_file
from insula.operations.monitoring.shift import ShiftDetector
from insula.operations.monitoring.trend import list_streams, read_trend
from insula.operations.store.database import Database
from insula.operations.store.tables import STREAM_MESSAGES, WINDOWS
from insula.operations.streams.file_source import FileSource
from insula.operations.streams.source import StreamEntry

START = datetime(2026, 11, 1, tzinfo=UTC)
SAID = {
    label: f"the {words[0]} {words[1]} day" for label, words in zip(toy_data.NAMES, toy_data.LABEL_WORDS, strict=True)
}


@pytest.fixture(scope="module")
def predictor(trained_run: Callable[..., Any]) -> Predictor:
    """A small linear model of three labels."""
    found = Predictor.load(trained_run("linear", "single").path)
    assert [one.label for one in found.predict(list(SAID.values()))] == list(SAID)
    return found


def row(number: int, label: str, minutes: float, **more: Any) -> dict[str, Any]:
    """Return a message."""
    return {"id": f"m{number}", "text": SAID[label], "time": (START + timedelta(minutes=minutes)).isoformat(), **more}


class Memory:
    """A source of rows; `breaks` names the read that fails once."""

    name = address = "memory"

    def __init__(self, rows: Sequence[dict[str, Any]], *, size: int = 7, breaks: int = -1) -> None:
        self._rows = [StreamEntry(str(place), json.dumps(one).encode()) for place, one in enumerate(rows)]
        self._size, self._breaks, self._reads = size, breaks, 0
        self.rejected: list[str] = []

    @property
    def ended(self) -> bool:
        return not self._rows

    def resume(self, position: str | None) -> str | None:
        return None

    def read(self, most: int, wait: float) -> Sequence[StreamEntry]:
        self._reads += 1
        if self._reads == self._breaks:
            raise StreamError("The stream does not answer.")
        taken, self._rows = self._rows[: self._size], self._rows[self._size :]
        return taken

    def confirm(self, entries: Sequence[StreamEntry]) -> None:
        pass

    def reject(self, entry: StreamEntry, reason: str) -> None:
        self.rejected.append(reason)

    def close(self) -> None:
        pass


@pytest.fixture
def run(predictor: Predictor, database: Database) -> Callable[..., MonitorReport]:
    """Run a monitor over rows."""

    def run_(source: Any, settings: str = "", now: datetime | None = None) -> MonitorReport:
        # Streams of three texts are unlike the training rows.
        wanted = parse_monitor_file(f"[drift]\nenabled = false\n{settings}", "'monitor.toml'")
        source = source if hasattr(source, "read") else Memory(source)
        clock = lambda: now or START + timedelta(days=40)  # noqa: E731
        return Monitor(predictor, database, wanted, clock=clock).run(source)

    return run_


def shuffled(seed: int, count: int) -> list[dict[str, Any]]:
    """Return messages of five hours, up to nine minutes out of order."""
    rng = random.Random(seed)
    rows = [
        row(number, rng.choice(toy_data.NAMES), number * 300 / count, topic=rng.choice(["billing", "delivery"]))
        for number in range(count)
    ]
    return sorted(rows, key=lambda one: datetime.fromisoformat(one["time"]).timestamp() + rng.random() * 540)


def test_drift_is_watched_with_nothing_configured(predictor: Predictor, database: Database) -> None:
    """Messages like the validation rows, then others, then the first kind again; each is read by a new monitor."""
    usual = [example.text for example in toy_data.toy_dataset("single", train=900, seed=3).splits["train"]]
    settings = parse_monitor_file("[drift]\nmessages = 200", "'monitor.toml'")
    raised: list[str] = []
    for part, texts in enumerate((usual[:300], ["大家早上好"] * 400, usual[300:900])):
        rows = [{"id": f"{part}-{number}", "text": text, "time": 1_790_000_000 + 1000 * part + number}
                for number, text in enumerate(texts)]  # fmt: skip
        watching = Monitor(predictor, database, settings, on_alert=lambda one: raised.append(one.event))
        report = watching.run(Memory(rows, size=70))
        assert report.notes == []
    assert raised == ["alert.raised", "alert.ended"]
    (alert,) = read_trend(database).alerts
    assert "language" in alert.facts["drifted"]
    assert "早上" not in json.dumps(alert.to_dict(), ensure_ascii=False)


def test_a_model_without_a_reference_says_so(predictor: Predictor, database: Database, tmp_path: Path) -> None:
    old = copy.copy(predictor)
    old.folder = tmp_path
    report = Monitor(old, database, MonitorFile()).run(Memory([row(1, "positive", 1)]))
    assert report.counted == 1
    assert [note.partition(".")[0] for note in report.notes] == ["Drift is not watched"]
    assert "an earlier insula trained it" in report.notes[0]
    (tmp_path / FILE).write_text(json.dumps({"format_version": FORMAT_VERSION + 1}), encoding="utf-8")
    report = Monitor(old, database, MonitorFile()).run(Memory([row(3, "positive", 1)]))
    (note,) = report.notes
    assert note.startswith("Drift is not watched. A newer insula wrote")
    assert note.endswith("Upgrade with: pip install --upgrade insula")
    with pytest.raises(NewerFormatError, match="Upgrade with"):
        measure_drift(None, ["a day"] * 60, old)
    off = parse_monitor_file("[drift]\nenabled = false", "'monitor.toml'")
    assert Monitor(old, database, off).run(Memory([row(2, "positive", 1)])).notes == []
    with pytest.raises(DataError, match="Rename the alert"):
        parse_monitor_file('[[alerts]]\nname = "drift"\nkind = "shift"\nlabels = ["joy"]', "'monitor.toml'")


def test_windows_are_counted_as_by_hand(run: Callable[..., MonitorReport], database: Database) -> None:
    rows = shuffled(1, 400)
    again = rows[:50]
    report = run([*rows, *again], '[windows]\nby = ["topic", "language"]\n')
    assert (report.read, report.counted, report.repeated, report.late) == (450, 400, 50, 0)
    wanted: Counter[tuple[int, str, str]] = Counter()
    label_of = {text: label for label, text in SAID.items()}
    for one in rows:
        wanted[datetime.fromisoformat(one["time"]).hour, one["topic"], label_of[one["text"]]] += 1
    trend = read_trend(database, by=("topic",))
    found = {
        (point.start.hour, point.attributes["topic"], label): count
        for point in trend.points
        for label, count in point.labels.items()
    }
    assert found == wanted
    assert sum(point.messages for point in read_trend(database, where={"topic": "billing"}).points) == sum(
        count for (_, topic, _), count in wanted.items() if topic == "billing"
    )
    point = read_trend(database, last=1).points[0]
    signs = Counter({key[2]: 0 for key in wanted}) + Counter(
        {
            label: sum(count for (hour, _, name), count in wanted.items() if hour == 4 and name == label)
            for label in SAID
        }
    )
    assert point.valence == pytest.approx((signs["positive"] - signs["negative"]) / point.messages)
    with database.begin_read() as connection:
        kept = json.dumps([str(value) for value in connection.execute(sa.select(WINDOWS)).all()])
    assert not any(text in kept for text in SAID.values())


def test_a_wrong_clock_does_not_make_old_messages_late(run: Callable[..., MonitorReport]) -> None:
    rows = [row(number, "neutral", number) for number in range(300)]
    rows[50]["time"] = (START + timedelta(days=90)).isoformat()
    del rows[60]["time"]
    report = run(Memory(rows, size=100))
    assert (report.counted, report.late, report.future, report.untimed) == (300, 0, 1, 1)
    untimed = [{name: one[name] for name in ("id", "text")} for one in rows]
    assert run([one | {"id": f"u{one['id']}"} for one in untimed]).counted == 300


def test_late_future_and_untimed_messages_are_told(run: Callable[..., MonitorReport], database: Database) -> None:
    rows = [row(number, "neutral", 30 * number) for number in range(5)]  # up to two hours
    now = START + timedelta(minutes=130)
    assert run(rows, now=now).counted == 5
    late, ahead = row(10, "negative", 1), row(11, "negative", 60 * 24 * 365)
    untimed = {"id": "m12", "text": SAID["negative"]}
    source = Memory([late, ahead, untimed, {"text": ""}, row(0, "neutral", 0)])
    report = run(source, now=now)
    told = (report.counted, report.late, report.future, report.untimed, report.rejected, report.repeated)
    assert told == (2, 1, 1, 1, 1, 1)
    assert "at least one character" in source.rejected[0]
    (state,) = list_streams(database)
    assert state.counts == {"counted": 7, "late": 1, "future": 1, "untimed": 1, "rejected": 1, "repeated": 1}
    assert state.closed_until is not None
    assert state.closed_until <= now  # a clock that is ahead closes no windows


def test_threshold_is_raised_and_ends(run: Callable[..., MonitorReport], database: Database) -> None:
    labels = ["neutral", "negative", "negative", "neutral", "neutral"]
    rows = [row(60 * hour + minute, labels[hour], 60 * hour + minute) for hour in range(5) for minute in range(60)]
    settings = '[[alerts]]\nname = "bad"\nkind = "threshold"\nlabels = ["negative"]\nabove = 0.5\n'
    report = run(rows, settings)
    assert [(alert.raised - START, alert.ended and alert.ended - START) for alert in report.alerts] == [
        (timedelta(hours=2), None),
        (timedelta(hours=2), timedelta(hours=4)),
    ]
    assert report.alerts[0].facts == {"labels": ["negative"], "messages": 60, "limit": 0.5, "share": 1.0}
    assert read_trend(database).alerts == (report.alerts[1],)


def test_alert_must_last_for_windows(run: Callable[..., MonitorReport]) -> None:
    labels = ["negative", "neutral", "negative", "negative", "neutral"]
    rows = [row(60 * hour + minute, labels[hour], 60 * hour + minute) for hour in range(5) for minute in range(60)]
    rows += [row(1000, "neutral", 420)]
    settings = '[[alerts]]\nname = "bad"\nkind = "threshold"\nlabels = ["negative"]\nabove = 0.5\nwindows = 2\n'
    assert [alert.raised - START for alert in run(rows, settings).alerts if alert.ended is None] == [timedelta(hours=4)]


def test_cool_down_keeps_an_alert_quiet(run: Callable[..., MonitorReport]) -> None:
    rows = [
        row(60 * hour + minute, "neutral" if hour % 2 else "negative", 60 * hour + minute)
        for hour in range(9)
        for minute in range(60)
    ]
    settings = '[[alerts]]\nname = "bad"\nkind = "threshold"\nlabels = ["negative"]\nabove = 0.5\ncool_down = "3h"\n'
    raised = [alert.raised - START for alert in run(rows, settings).alerts if alert.ended is None]
    assert raised == [timedelta(hours=1), timedelta(hours=5)]


def test_spike_is_judged_by_the_season(run: Callable[..., MonitorReport]) -> None:
    rng = random.Random(3)
    # Every evening is bad, as usual; one evening is much worse.
    rows = []
    for day in range(9):
        for hour, share in ((9, 0.05), (21, 0.4 if day < 8 else 0.8)):
            rows += [
                row(
                    len(rows) + place,
                    "negative" if rng.random() < share else "neutral",
                    1440 * day + 60 * hour + place / 2,
                )
                for place in range(100)
            ]
    rows += [row(99_999, "neutral", 1440 * 9)]
    settings = '[[alerts]]\nname = "evening"\nkind = "spike"\nlabels = ["negative"]\n'
    alerts = run(rows, settings).alerts
    assert [alert.window for alert in alerts] == [START + timedelta(days=8, hours=21)]
    assert alerts[0].facts["expected"] == pytest.approx(0.4, abs=0.1)


def test_number_of_messages_is_watched(run: Callable[..., MonitorReport]) -> None:
    rows = [row(number, "neutral", number / 10 if number > 200 else number) for number in range(1000)]
    rows.sort(key=lambda one: str(one["time"]))
    rows += [row(5000, "neutral", 400)]
    settings = '[[alerts]]\nname = "many"\nkind = "threshold"\nabove = 400\n'
    assert [alert.rule for alert in run(rows, settings).alerts if alert.ended is None] == ["many"]


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 7, 500])
def test_shift_does_not_depend_on_batches(run: Callable[..., MonitorReport], size: int, predictor: Predictor) -> None:
    rng = random.Random(5)
    shares = [0.1] * 800 + [0.4] * 400 + [0.1] * 600
    rows = [
        row(place, "negative" if rng.random() < share else "neutral", place / 10) for place, share in enumerate(shares)
    ]
    settings = """
    [[alerts]]
    name = "rise"
    kind = "shift"
    labels = ["negative"]
    learn = 60
    factor = 2.0
    false_alarm_every = 100_000
    """
    if size == 1:
        rows = rows[:950]
    alerts = run(Memory(rows, size=size), settings).alerts
    raised = (alerts[0].raised - START) / timedelta(minutes=1) * 10
    assert 800 < raised < 900
    if size > 1:
        assert 1200 < (alerts[1].ended - START) / timedelta(minutes=1) * 10 < 1600  # type: ignore[operator]


def test_false_alarms_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(0)
    rule = AlertRule(name="a", kind="shift", labels=("x",), expected_share=0.05, false_alarm_every=20_000)
    lengths = []
    for _ in range(60):
        detector = ShiftDetector.restore(rule, None)
        total = 0
        while True:
            changes = detector.update(rng.random(5000) < 0.05)
            if changes:
                lengths.append(total + changes[0].place)
                break
            total += 5000
    # 60 exponential times of mean 20,000 have a standard error of 13%.
    assert 0.8 < np.mean(lengths) / 20_000 < 1.9


def test_shift_is_that_of_its_recursion() -> None:
    rng = np.random.default_rng(1)
    hits = np.concatenate([rng.random(3000) < 0.04, rng.random(3000) < 0.06])
    rule = AlertRule(name="a", kind="shift", labels=("x",), expected_share=0.04, false_alarm_every=2000)
    ratio, first = 0.0, 0
    while ratio < 2000:
        ratio = (1 + ratio) * (1.5 if hits[first] else 0.94 / 0.96)
        first += 1
    for size in (1, 7, 6000):
        detector, changes = ShiftDetector.restore(rule, None), []
        for start in range(0, len(hits), size):
            found = detector.update(hits[start : start + size])
            detector = ShiftDetector.restore(rule, json.loads(json.dumps(detector.to_dict(rule))))
            changes += [start + one.place for one in found]
        assert changes[0] == first


def test_state_of_an_earlier_insula_is_continued() -> None:
    rule = AlertRule(name="a", kind="shift", labels=("x",))
    stored = {"factor": 1.5, "every": 1_000_000, "learn": 400, "given": None, "usual": 0.1, "total": 4000, "hits": 400,
              "sum": 3.5, "raised": True}  # fmt: skip
    detector = ShiftDetector.restore(rule, stored)
    assert (detector.expected, detector.raised, detector.ratio) == (0.1, True, 0.0)
    assert [one.raised for one in detector.update(np.zeros(1000, dtype=bool))] == [False]


def test_rare_label_is_learned_from_many_messages() -> None:
    rule = AlertRule(name="a", kind="shift", labels=("x",), learn=10)
    detector = ShiftDetector.restore(rule, None)
    hits = np.zeros(150_000, dtype=bool)
    hits[[5, 60_000]] = True
    for start in range(0, len(hits), 7_000):
        assert detector.update(hits[start : start + 7_000]) == []
    assert detector.expected == pytest.approx(1e-4)
    assert detector.total == 100_000


def test_usual_is_an_old_name_of_the_expected_share() -> None:
    with pytest.warns(DeprecationWarning, match="key usual of an alert is now expected_share"):
        rule = AlertRule.model_validate({"name": "a", "kind": "shift", "labels": ["x"], "usual": 0.05})
    assert rule.expected_share == 0.05


def test_changed_rule_starts_again() -> None:
    rule = AlertRule(name="a", kind="shift", labels=("x",), learn=100)
    detector = ShiftDetector.restore(rule, None)
    detector.update(np.ones(200, dtype=bool))
    state = json.loads(json.dumps(detector.to_dict(rule)))
    assert ShiftDetector.restore(rule, state) == detector
    changed = rule.model_copy(update={"factor": 2.0})
    assert ShiftDetector.restore(changed, state).expected is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[alerts]]\nname = "a"\nkind = "threshold"\nlabels = ["x"]', "must set `above`"),
        ('[[alerts]]\nname = "a"\nkind = "shift"', "must set `labels`"),
        ('[[alerts]]\nname = "a"\nkind = "spike"\nabove = 0.1', "only to threshold alerts"),
        ('[[alerts]]\nname = "a"\nkind = "threshold"\nlabels = ["x"]\nabove = 30.0', "share of messages"),
        ('[[alerts]]\nname = "a"\nkind = "spike"\nwhere = {topic = "x"}', "not in windows.by"),
        ('[windows]\nlength = "an hour"', "whole number with a unit"),
        ('[windows]\nlenght = "1h"', "Did you mean 'length'"),
        ("[windows", "not valid TOML"),
    ],
)
def test_settings_that_are_not_valid(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        parse_monitor_file(text, "'monitor.toml'")
    assert str(caught.value).startswith("The monitor file 'monitor.toml'")


def test_alert_with_an_unknown_label(run: Callable[..., MonitorReport]) -> None:
    with pytest.raises(DataError, match="Did you mean 'negative'"):
        run([], '[[alerts]]\nname = "a"\nkind = "shift"\nlabels = ["negativ"]')


def test_dimensions_are_not_counted(trained_run: Callable[..., Any], database: Database) -> None:
    with pytest.raises(DataError, match="dimensions"):
        Monitor(Predictor.load(trained_run("linear", "dimensional").path), database, MonitorFile())


def test_outages_lose_nothing(
    run: Callable[..., MonitorReport], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing: Iterator[bool] = iter([True, False, True, True])
    begin = Database.begin_write

    def begin_write(self: Database) -> Any:
        if next(failing, False):
            raise StoreUnreachableError("The store does not answer.")
        return begin(self)

    monkeypatch.setattr("insula.operations.monitoring.retry_until_stopped.FIRST_PAUSE", 0.001)
    monkeypatch.setattr(Database, "begin_write", begin_write)
    report = run(Memory([row(number, "neutral", number) for number in range(30)], breaks=2))
    assert (report.read, report.counted) == (30, 30)
    assert sum(point.messages for point in read_trend(database).points) == 30


def test_a_store_that_does_not_answer_yet_is_waited_for(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = iter([True, True, True])
    migrate = Database.migrate

    def fail_first(self: Database) -> None:
        if next(failing, False):
            raise StoreUnreachableError("The store does not answer.")
        migrate(self)

    monkeypatch.setattr("insula.operations.monitoring.retry_until_stopped.FIRST_PAUSE", 0.001)
    monkeypatch.setattr(Database, "migrate", fail_first)
    with pytest.raises(StoreUnreachableError):  # a command that ends by itself says so and ends
        monitor(Memory([row(1, "neutral", 0)]), predictor, store=tmp_path)
    report = monitor(Memory([row(1, "neutral", 0)]), predictor, store=tmp_path, follow=True)
    assert report.counted == 1


def test_attributes_without_bound_are_counted_together(
    run: Callable[..., MonitorReport], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("insula.operations.monitoring.counting.MAX_GROUPS", 20)
    report = run([row(number, "neutral", 0, user=f"u{number}") for number in range(50)], '[windows]\nby = ["user"]')
    assert (report.counted, report.other) == (50, 30)
    assert {point.attributes["user"]: point.messages for point in read_trend(database, by=("user",)).points}[
        "(other)"
    ] == 30


def test_what_is_past_its_time_is_deleted(run: Callable[..., MonitorReport], database: Database) -> None:
    settings = '[windows]\nkeep = "10d"\nkeep_ids = "1d"'
    run([row(1, "neutral", 0)], settings, START)
    run([row(2, "neutral", 60 * 24 * 20)], settings, START + timedelta(days=20))
    with database.begin_read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(WINDOWS)).scalar_one() == 1
        assert list(connection.execute(sa.select(STREAM_MESSAGES.c.id)).scalars()) == ["m2"]


def test_trend_of_unknown_names(run: Callable[..., MonitorReport], database: Database) -> None:
    with pytest.raises(DataError, match="no monitored stream"):
        read_trend(database)
    run([row(1, "neutral", 0)], '[windows]\nby = ["topic"]')
    with pytest.raises(UnknownNameError, match="'memory'"):
        read_trend(database, "memry")
    with pytest.raises(DataError, match="counted by topic"):
        read_trend(database, by=("user",))


def test_file_is_continued_after_every_batch(
    run: Callable[..., MonitorReport], predictor: Predictor, database: Database, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A process that dies between storing and confirming counts nothing twice."""
    path = tmp_path / "feed.jsonl"
    path.write_text("".join(json.dumps(row(number, "neutral", number)) + "\n" for number in range(100)))
    monkeypatch.setattr("insula.operations.monitoring.monitor.BATCH", 9)
    alerts: list[Alert] = []
    for dies_at in range(1, 6):
        source = FileSource(path)
        confirms = iter(range(1, 100))

        def confirm(entries: Sequence[StreamEntry], confirms: Iterator[int] = confirms, dies_at: int = dies_at) -> None:
            if next(confirms) == dies_at:
                raise KeyboardInterrupt

        monkeypatch.setattr(source, "confirm", confirm)
        try:
            Monitor(predictor, database, MonitorFile(), on_alert=alerts.append).run(source)
        except KeyboardInterrupt:
            continue
    assert sum(point.messages for point in read_trend(database).points) == 100
    (state,) = list_streams(database)
    assert state.counts == {"counted": 100}
