"""The dashboard of monitored streams, and the operations behind it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from serving_running import Running, problem, running
from serving_visiting import Visitor

import toy_data
from in_chromium import IN_CHROMIUM, Watched, await_focus, barriers
from insula.api import monitoring
from insula.api.access import create_key
from insula.operations.monitoring.settings import parse_monitor_file
from insula.operations.outbox.outbox import Notification, Outbox, add_notifications
from insula.operations.outbox.receivers import Receiver
from insula.operations.store.database import open_database
from insula.serving.pages.routes import dashboard
from insula.serving.pages.words import TAGS, WORDS
from waiting import eventually

EVIL = "<i>billing"
TOPICS = ("delivery", EVIL)
START = datetime(2026, 11, 1, tzinfo=UTC)
SETTINGS = parse_monitor_file(
    '[windows]\nby = ["topic"]\ngrace = "1m"\n[[alerts]]\nname = "complaints"\nkind = "threshold"\n'
    'labels = ["negative"]\n'
    "above = 0.4\nleast = 5\n",
    "'monitor.toml'",
)
RECEIVER = Receiver(name="operations", kind="webhook", url="http://127.0.0.1:9/hook")


class Board:
    """A service whose store has a stream of seven hours, which becomes worse."""

    def __init__(self, service: Running, model: Path, folder: Path) -> None:
        self.service, self.model, self.folder, self.sent = service, model, folder, 0

    @property
    def store(self) -> Path:
        return self.folder / "data"

    def monitor(self, hours: range, stream: str = "feed") -> None:
        """Add ten messages an hour."""
        rows = []
        for place in range(10 * len(hours)):
            hour = hours[place // 10]
            label = toy_data.LABEL_WORDS[0 if place % 10 < hour else 2]
            moment = START + timedelta(hours=hour, minutes=place % 10)
            topic = TOPICS[place % 2]
            rows.append({"id": str(self.sent), "text": f"the {label[0]} day", "time": str(moment), "topic": topic})
            self.sent += 1
        file = self.folder / f"{stream}.jsonl"
        with file.open("a", encoding="utf-8") as opened:
            opened.writelines(f"{json.dumps(row)}\n" for row in rows)
        monitoring.monitor(file, self.model, store=self.store, settings=SETTINGS, name=stream)


@pytest.fixture(scope="module")
def board(linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A service with a store, a stream, and three notifications: one sent, one that waits, one given up."""
    folder = tmp_path_factory.mktemp("board")
    with running(linear_model, store={"address": str(folder / "data")}) as service:
        board = Board(service, linear_model, folder)
        board.monitor(range(7))
        database = open_database(board.store)
        with database.begin_write() as connection:
            now = database.now(connection)
            told = [Notification("alert.raised", str(one), f"Alert {one} {EVIL}", {}) for one in range(3)]
            add_notifications(database, connection, told, [RECEIVER], now)
        outbox = Outbox(database)
        newest, middle, _ = outbox.list_deliveries()
        outbox.record_success(newest)
        for attempt in range(12):
            outbox.record_failure(outbox.list_deliveries()[1], f"HTTP {500 + attempt}", now)
        assert middle.id == outbox.list_deliveries(state="failed")[0].id
        database.close()
        yield board


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_a_trend_over_http_is_that_of_python(board: Board) -> None:
    wanted = monitoring.read_trend(board.store, "feed", by=("topic",), last=3).to_dict()
    found = board.service.get("/v1/trend?stream=feed&last=3&by=topic").json()
    assert found["windows"] == wanted["windows"]
    assert [alert["rule"] for alert in found["alerts"]] == ["complaints"]
    one = board.service.get("/v1/trend", params={"where": f"topic={EVIL}", "last": 1}).json()["windows"]
    assert [(row["messages"], row["attributes"]) for row in one] == [(5, {})]
    low, high = one[0]["label_intervals"]["negative"]
    assert 0 < low < one[0]["labels"]["negative"] / 5 < high < 1
    assert one[0]["valence_interval"][0] < one[0]["valence"] < one[0]["valence_interval"][1]
    (stream,) = board.service.get("/v1/streams").json()["streams"]
    assert (stream["name"], stream["attributes"], stream["counts"]["counted"]) == ("feed", ["topic"], 70)
    found = board.service.get("/v1/deliveries?state=failed").json()
    assert found["counts"] == {"delivered": 1, "failed": 1, "waiting": 1}
    assert [(one["error"], one["attempts"]) for one in found["deliveries"]] == [("HTTP 511", 12)]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("stream=fed", 404, "not_found"),
        ("by=user", 422, "validation"),
        ("where=topic", 422, "validation"),
        ("last=0", 422, "validation"),
        ("stream=%00", 422, "validation"),
    ],
)
def test_a_wrong_filter_is_a_problem(board: Board, query: str, status: int, code: str) -> None:
    problem(board.service.get(f"/v1/trend?{query}"), status, code)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_dashboard_shows_what_is_stored(board: Board, language: str) -> None:
    words = WORDS[language]
    page = Visitor(board.service).get(f"/dashboard?by=topic&lang={language}").text
    said = _words(page)
    assert words["board_ongoing"].format(rules="complaints") in said
    assert words["deliveries_counts"].format(delivered=1, waiting=1, failed=1) in said
    assert said.index("HTTP 511") < said.index(f"✓ {words['delivery_delivered']}"), "what failed comes first"
    assert page.count("<svg") >= 6
    assert EVIL not in page
    assert "&lt;i&gt;billing" in page
    one = Visitor(board.service).get(f"/dashboard?where=topic%3Ddelivery&lang={language}").text
    assert words["board_where"].format(name="topic", value="delivery") in _words(one)
    other = next(code for code in WORDS if code != language)
    assert f'href="/dashboard?where=topic%3Ddelivery&amp;lang={other}"' in one
    odd = Visitor(board.service).get("/dashboard?by=user&where=x%3Dy&last=7&stream=none")
    assert (odd.status_code, "feed" in odd.text) == (200, True)


def test_an_update_is_sent_when_something_is_new(board: Board) -> None:
    visitor = Visitor(board.service)
    first = visitor.get("/pages/dashboard?stream=other").text
    seen = re.search(r'id="board-seen" name="seen" value="(\w+)"', first)
    assert seen is not None
    assert visitor.get(f"/pages/dashboard?stream=other&seen={seen[1]}").status_code == 204
    board.monitor(range(2), stream="other")
    second = visitor.get(f"/pages/dashboard?stream=other&seen={seen[1]}")
    assert (second.status_code, "<main" in second.text) == (200, False)
    assert "other" in second.text


def test_the_dashboard_needs_the_scope_review(linear_model: Path, tmp_path: Path) -> None:
    keys = {name: create_key(name, scopes=(name,), store=tmp_path).secret for name in ("review", "predict")}
    with running(linear_model, store={"address": str(tmp_path)}) as service:
        visitor = Visitor(service)
        assert visitor.get("/dashboard").headers["location"] == "/login?next=%2Fdashboard"
        entered = visitor.send("/login", page="/login?next=/dashboard", key=keys["review"], next="/dashboard")
        assert entered.status_code == 303
        empty = visitor.get("/dashboard")
        assert (empty.status_code, "insula monitor --source" in empty.text) == (200, True)
        other = Visitor(service)
        other.send("/login", page="/login", key=keys["predict"])
        assert other.get("/dashboard").status_code == 403
        missing = service.get("/v1/trend", headers={"X-API-Key": keys["review"]})
        assert "insula monitor" in problem(missing, 404, "not_found")["detail"]


class TestInABrowser:
    """With a real browser: sizes, schemes, updates, and what axe finds."""

    pytestmark = IN_CHROMIUM

    @pytest.mark.parametrize(
        ("width", "language", "locale", "scheme"),
        [(390, "zh", "zh-CN", "dark"), pytest.param(1280, "en", "en-GB", "light", marks=pytest.mark.slow)],
    )
    def test_the_page_fits_and_axe_finds_nothing(
        self, board: Board, watched: Callable[..., Watched], width: int, language: str, locale: str, scheme: str
    ) -> None:
        seen = watched(viewport={"width": width, "height": 900}, locale=locale, color_scheme=scheme)
        page, address = seen.page, f"{board.service.address}/dashboard"
        page.goto(f"{address}?by=topic&stream=feed")
        assert page.evaluate("document.documentElement.lang") == TAGS[language]
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_label(WORDS[language]["board_by"]).select_option("")
        page.get_by_role("button", name=WORDS[language]["board_show"]).click()
        page.wait_for_selector("#groups", state="detached")
        page.get_by_role("link", name=WORDS[language]["dashboard"], exact=True).wait_for()
        assert seen.asked_only(f"{board.service.address}/")

    def test_it_updates_itself_until_it_is_paused(
        self, board: Board, watched: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dashboard, "SECONDS", 1)
        page = watched(locale="en-GB").page
        page.goto(f"{board.service.address}/dashboard?stream=feed")
        page.locator("#windows-summary").focus()
        page.keyboard.press("Enter")
        before = page.locator("#windows-table tbody tr").count()
        board.monitor(range(7, 9))
        eventually(lambda: page.locator("#windows-table tbody tr").count(), before + 2)
        assert page.locator("#windows-details").get_attribute("open") is not None
        await_focus(page, "windows-summary")
        page.locator("#board-pause").click()
        page.get_by_text(WORDS["en"]["board_paused"]).wait_for()
        assert page.locator("#live").get_attribute("hx-get") is None

    def test_an_error_is_told_above_the_last_figures(
        self, board: Board, watched: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dashboard, "SECONDS", 1)
        page = watched(locale="en-GB").page
        page.goto(f"{board.service.address}/dashboard?stream=feed")
        page.route("**/pages/dashboard*", lambda route: route.fulfill(status=503, body="no"))
        page.get_by_text(WORDS["en"]["board_stale"]).wait_for()
        page.locator("#alerts").wait_for()
        page.unroute("**/pages/dashboard*")
        page.get_by_text(WORDS["en"]["board_stale"]).wait_for(state="hidden")
