"""`insula monitor` and `insula trend`: what people and scripts see; counting is tested with its room."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from debian_services import Redis
from insula.api.monitoring import list_streams, read_trend
from waiting import DEADLINE, wait_until

Insula = Callable[..., Any]
TEXTS = ("Two hours on hold and nobody called back.", "Thank you, what a lovely surprise!", "我的包裹在哪里？")
SETTINGS = """
[windows]
by = ["topic", "language"]

[[alerts]]
name = "too many complaints"
kind = "threshold"
labels = ["negative"]
above = 0.3
least = 10
"""


def messages(count: int, every: float = 60.0) -> list[str]:
    """Return messages, one in `every` seconds."""
    start = datetime(2026, 11, 1, tzinfo=UTC)
    return [
        json.dumps(
            {"id": f"m{number}", "text": TEXTS[number % 3],
             "time": (start + timedelta(seconds=every * number)).isoformat(),
             "topic": ("billing", "delivery")[number % 2]}
        )
        for number in range(count)
    ]  # fmt: skip


def test_a_file_is_monitored_and_shown(insula: Insula, here: Path) -> None:
    (here / "feed.jsonl").write_text("\n".join([*messages(200), "broken"]) + "\n")
    (here / "monitor.toml").write_text(SETTINGS)
    done = insula("monitor", "--source", "feed.jsonl", "--config", "monitor.toml", "--quiet")
    assert (done.exit_code, done.stdout.count("raised")) == (0, 1), done.output
    assert "2026-11-01 01:00:00  raised  too many complaints" in done.stdout
    with (here / "feed.jsonl").open("a") as file:
        file.write(messages(201)[-1] + "\n")
    again = json.loads(insula("monitor", "-s", "feed.jsonl", "-c", "monitor.toml", "--json").stdout)["summary"]
    assert (again["read"], again["counted"]) == (1, 1)
    shown = insula("trend", "--by", "language", "--last", "2").stdout
    assert "201 counted, 1 rejected" in shown
    assert "alert too many complaints: 2026-11-01 01:00 to now." in shown
    points = json.loads(insula("trend", "--where", "language=zh", "--json").stdout)["windows"]
    assert sum(point["messages"] for point in points) == 67


def test_a_trend_is_written_as_a_page(insula: Insula, here: Path) -> None:
    rows = [json.loads(row) | {"topic": "<b>&billing"} for row in messages(200)]
    (here / "feed<i>.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (here / "monitor.toml").write_text(SETTINGS.replace("too many", "<u>too many"))
    assert insula("monitor", "-s", "feed<i>.jsonl", "-c", "monitor.toml", "-q").exit_code == 0
    for language, words in (
        ("en", ("Emotions over time", "By attribute")),
        ("zh", ("情绪变化趋势", "按属性", "感激", "为负面（上限：30.0%）。")),
    ):
        done = insula("trend", "--by", "topic", "-o", "trend.html", "--display-language", language)
        assert done.stdout == "trend  trend.html\n"
        page = (here / "trend.html").read_text(encoding="utf-8")
        assert [word in page for word in words] == [True] * len(words)
        assert page.count("<svg") >= 6
        for escaped in ("&lt;b&gt;&amp;billing", "feed&lt;i&gt;.jsonl", "&lt;u&gt;too many complaints"):
            assert escaped in page
        assert not any(tag in page for tag in ("<b>&", "<i>.jsonl", "<u>"))
        assert "default-src 'none'" in page
        assert TEXTS[0] not in page


def test_a_trend_of_one_window_is_a_page(insula: Insula, here: Path) -> None:
    (here / "feed.jsonl").write_text(messages(1)[0])
    assert insula("monitor", "-s", "feed.jsonl", "-q").exit_code == 0
    assert insula("trend", "-o", "trend.html").exit_code == 0
    assert "No alert was raised." in (here / "trend.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("monitor", "--source", "none.jsonl"), "does not exist"),
        (("monitor", "--source", "feed.jsonl", "--window", "an hour"), "--window must be a whole number"),
        (("monitor", "--source", "feed.jsonl", "--config", "none.toml"), "monitor file 'none.toml' does not exist"),
        (("trend", "--where", "topic"), "NAME=VALUE"),
        (("trend",), "no monitored stream"),
    ],
)
def test_wrong_use_is_one_sentence(insula: Insula, here: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (here / "feed.jsonl").write_text("")
    done = insula(*arguments)
    assert done.exit_code in (1, 2)
    assert sentence in done.stderr
    assert "Traceback" not in done.output


def test_kills_of_monitor_and_broker_lose_nothing(tmp_path: Path) -> None:
    """The monitor and Redis die again and again: every message is in one window, once."""
    server = Redis(durable=True)
    process: subprocess.Popen[bytes] | None = None
    try:
        rng = random.Random(1)
        client = redis.Redis.from_url(server.address)
        total, sent = 600, 0
        # What a killed monitor held is read after newer messages: within the grace, or it would count as late.
        rows = messages(total, every=0.3)
        address = f"redis://127.0.0.1:{server.port}/messages?idle=1s"
        store = tmp_path / "data"
        command = [sys.executable, "-m", "insula", "monitor", "-s", address, "--store", str(store), "--follow", "-q"]

        def counted() -> int:
            streams = list_streams(store) if store.exists() else []
            return streams[0].counts.get("counted", 0) if streams else 0

        while sent < total:
            if process is None:
                process = subprocess.Popen(command)
            for row in rows[sent : sent + 200]:
                client.xadd("messages", {"json": row})
            sent += 200
            seen = rng.randrange(sent - 199, sent)
            wait_until(lambda seen=seen: counted() >= seen, f"{seen} messages are not counted")  # type: ignore[misc]
            if rng.random() < 0.6:
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = None
            else:
                server.kill()
                server.start()
        if process is None:
            process = subprocess.Popen(command)
        client.xadd("messages", {"json": rows[-1].replace(f"m{total - 1}", "last")})
        wait_until(lambda: counted() > total, "not all messages are counted")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
        assert sum(point.messages for point in read_trend(store, last=1000).points) == total + 1
    finally:
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        server.close()
