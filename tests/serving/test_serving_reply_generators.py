"""`/v1/reply` with answers of the user and an endpoint: whatever the endpoint does, the templates stay, and in time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, running
from serving_visiting import Visitor

from bad_endpoint import BadEndpoint
from insula.core.errors import DataError, MissingFileError
from insula.serving.pages.sentences.reply_words import REPLY_CHINESE, REPLY_ENGLISH
from insula.serving.queueing import safety_queue
from insula.serving.server import serve
from insula.serving.settings.settings import load_settings
from waiting import DEADLINE, wait_until

MESSAGE = "I failed the exam again. I can't tell my parents."
GOOD = "You failed the exam again, and your parents don't know yet. What makes it so hard to tell them?"
STORED = "That exam meant a lot. Who else knows about it?"
DANGER = "I am going to kill myself tonight."
WEAK = "Some nights I wish I could just not be here for a while."


@dataclass
class Drafting:
    """A service with answers and an endpoint, which says the next of `says`, and `GOOD` when there is none."""

    service: Running
    endpoint: BadEndpoint
    says: list[Any] = field(default_factory=list)

    def reply(self, text: str = MESSAGE, **body: Any) -> dict[str, Any]:
        answer = self.service.post("/v1/reply", {"text": text, **body})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("answers") / "answers.jsonl"
    rows = [
        {"message": "I did not pass the exam and I am afraid to tell my parents.", "reply": STORED},
        {"message": "My dog died.", "reply": "Just be positive!"},
    ]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def drafting(linear_model: Path, answers: Path) -> Iterator[Drafting]:
    says: list[Any] = []
    with BadEndpoint(lambda _: says.pop(0) if says else GOOD) as endpoint:
        options = {"answers": str(answers), "endpoint": endpoint.url, "endpoint_model": "local"}
        with running(linear_model, reply=options) as service:
            yield Drafting(service, endpoint, says)


def test_all_generators_write_and_are_ranked(drafting: Drafting) -> None:
    found = drafting.reply(n=10)
    by_generator = {draft["generator"]: draft["text"] for draft in found["drafts"]}
    assert by_generator["endpoint"] == GOOD
    assert by_generator["answers"] == STORED
    assert "templates" in by_generator
    totals = [draft["scores"]["total"] for draft in found["drafts"]]
    assert totals == sorted(totals, reverse=True)
    assert found["failures"] == []
    assert drafting.endpoint.seen[-1]["model"] == "local"


def test_danger_never_reaches_the_endpoint(drafting: Drafting, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(drafting.endpoint.seen)
    assert drafting.reply(DANGER)["drafts"] == []
    assert drafting.reply("ok", turns=[{"text": DANGER}])["hand_off"] is not None
    weak = drafting.reply(WEAK)
    assert weak["check_in"] is not None
    assert {draft["generator"] for draft in weak["drafts"]} == {"templates"}

    def fail(texts: object) -> None:
        raise OSError

    monkeypatch.setattr(safety_queue, "check_messages", fail)
    assert drafting.reply()["drafts"] == []
    assert len(drafting.endpoint.seen) == before


def test_a_lying_endpoint_costs_its_draft(drafting: Drafting) -> None:
    for said, sentence in (
        (b"<html>", "something other than a chat completion"),
        (b"x" * 300_000, "has more than 262,144 bytes"),
        (["a"], "something other than a chat completion"),
    ):
        drafting.says.append(said)
        found = drafting.reply()
        assert sentence in found["failures"][0]
        assert "templates" in {draft["generator"] for draft in found["drafts"]}
        assert drafting.reply()["failures"] == [], "one failure must not silence the endpoint"
    drafting.says.append("You should just stop the pills.")
    harmful = drafting.reply()
    assert (harmful["stopped"], harmful["failures"]) == (1, [])
    assert "endpoint" not in {draft["generator"] for draft in harmful["drafts"]}
    metrics = drafting.service.get("/metrics").text
    assert 'insula_draft_failures_total{generator="endpoint"} 3.0' in metrics


@pytest.mark.parametrize(("language", "say"), [("en", REPLY_ENGLISH), ("zh", REPLY_CHINESE)])
def test_the_page_shows_generators_and_scores(drafting: Drafting, language: str, say: dict[str, str]) -> None:
    visitor = Visitor(drafting.service)
    assert say["reply_endpoint"] in visitor.get(f"/reply?lang={language}").text
    drafting.says.append(b"<html>")
    page = visitor.send("/pages/reply", page=f"/reply?lang={language}", lang=language, text=MESSAGE).text
    assert say["reply_failures"] in page
    assert "something other than a chat completion" in page
    for name in ("generator_answers", "generator_templates", "score_total", "score_relevance"):
        assert say[name] in page
    page = visitor.send("/pages/reply", page=f"/reply?lang={language}", lang=language, text=MESSAGE).text
    assert say["generator_endpoint"] in page
    assert say["reply_failures"] not in page


@pytest.mark.parametrize("status", [None, 302])
def test_an_endpoint_that_is_down_costs_its_draft(linear_model: Path, status: int | None) -> None:
    with BadEndpoint(lambda _: GOOD, status=status or 200) as endpoint:
        url = endpoint.url if status else "http://127.0.0.1:9/v1"
        with running(linear_model, reply={"endpoint": url, "endpoint_model": "m"}) as service:
            found = [service.post("/v1/reply", {"text": MESSAGE}).json() for _ in range(4)]
    wanted = f"the status {status}" if status else "cannot be reached"
    assert [wanted in one["failures"][0] for one in found] == [True] * 3 + [False]
    assert "failed 3 times in a row" in found[3]["failures"][0]
    assert all({draft["generator"] for draft in one["drafts"]} == {"templates"} for one in found)
    assert not endpoint.seen or status


def test_a_slow_endpoint_is_not_waited_for(linear_model: Path) -> None:
    with BadEndpoint(lambda _: GOOD, pause=DEADLINE) as endpoint:
        options = {"endpoint": endpoint.url, "endpoint_model": "m", "seconds": 0.2, "threads": 1}
        with running(linear_model, reply=options) as service:
            found = service.post("/v1/reply", {"text": MESSAGE}).json()
    assert "did not answer" in found["failures"][0]
    assert {draft["generator"] for draft in found["drafts"]} == {"templates"}


def test_a_hanging_endpoint_holds_up_nothing(linear_model: Path, tmp_path: Path) -> None:
    """Predictions, checks and other replies go on; after SIGTERM the reply that waits is still answered."""
    with BadEndpoint(lambda _: GOOD, pause=DEADLINE) as endpoint:
        settings = {
            "REPLY_ENDPOINT": endpoint.url, "REPLY_ENDPOINT_MODEL": "m", "REPLY_SECONDS": str(DEADLINE),
            "REPLY_THREADS": "1", "REPLY_WAITING": "0", "DRAIN_SECONDS": "4", "NOTICE_SECONDS": "0",
        }  # fmt: skip
        command = [sys.executable, "-m", "insula", "serve", "-m", str(linear_model), "--port", "0"]
        environment = {**os.environ, **{f"INSULA_SERVE_{name}": value for name, value in settings.items()}}
        started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment)
        waiting: list[httpx2.Response] = []
        try:
            assert started.stdout is not None
            address = started.stdout.readline().split()[2]

            def ask() -> None:
                waiting.append(httpx2.post(f"{address}/v1/reply", json={"text": MESSAGE}, timeout=DEADLINE))

            thread = threading.Thread(target=ask)
            thread.start()
            wait_until(lambda: endpoint.seen, "the endpoint is not asked")
            with httpx2.Client(base_url=address, timeout=DEADLINE) as client:
                assert client.post("/v1/predict", json={"texts": ["happy"]}).status_code == 200
                assert client.post("/v1/safety", json={"messages": [MESSAGE]}).status_code == 200
                full = client.post("/v1/reply", json={"text": MESSAGE}).json()
                assert full["failures"] == ["Too many messages wait for the generator endpoint."]
                assert full["drafts"]
            assert not waiting
            asked = time.monotonic()
            started.send_signal(signal.SIGTERM)
            assert started.wait(DEADLINE) == 0
            assert time.monotonic() - asked < 4 + 5  # of the interpreter, too
            thread.join(DEADLINE)
        finally:
            started.kill()
            started.communicate()
    answer = waiting[0].json()
    assert answer["failures"] == ["The generator endpoint did not answer in time."]
    assert {draft["generator"] for draft in answer["drafts"]} == {"templates"}


def test_wrong_settings_are_told_at_the_start(linear_model: Path, answers: Path) -> None:
    for options, error, sentence in (
        ({"answers": "none.jsonl"}, MissingFileError, "none.jsonl"),
        ({"endpoint": "localhost", "endpoint_model": "m"}, DataError, "http://"),
        ({"endpoint": "http://me:secret@localhost/v1", "endpoint_model": "m"}, DataError, "not contain a password"),
    ):
        settings = load_settings(environment={}, given={"models": [str(linear_model)], "port": 0, "reply": options})
        with pytest.raises(error, match=sentence):
            serve(settings, print)
