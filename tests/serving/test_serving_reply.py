"""`POST /v1/safety` and `/v1/reply`: the library's answers; and whatever fails, a person gets the message."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from serving_running import Running, problem, running

import insula
from insula import ModelInput, Turn
from insula.api.access import create_key
from insula.client import AsyncClient, Client, ClientOptions
from insula.core.errors import DataError, ServiceError
from insula.safety.signals.result import RiskCheck
from insula.serving.queueing import safety_queue
from waiting import DEADLINE, wait_until

DANGER = "I am going to kill myself tonight."
ORDINARY = ["I failed the exam again. I can't tell my parents.", "等了两个小时，还是没人回电话。"]
BAD_REPLY = "You should just stop the pills."


@pytest.fixture(scope="module")
def linear(linear_model: Path) -> Iterator[Running]:
    """A service with one small model."""
    with running(linear_model) as service:
        yield service


def test_messages_and_replies_are_checked_as_by_the_library(linear: Running) -> None:
    texts = [*ORDINARY, DANGER]
    answer = linear.post("/v1/safety", {"messages": texts, "replies": [BAD_REPLY, "I am listening."]}).json()
    for row, wanted in zip(answer["messages"], insula.check_messages(texts), strict=True):
        assert {**row, "score": None} == {**json.loads(json.dumps(wanted.to_dict())), "score": None}
        assert row["score"] == pytest.approx(wanted.score, abs=1e-4)
    assert [row["allowed"] for row in answer["replies"]] == [False, True]
    assert answer["replies"][0]["faults"] == ["medication"]
    assert answer["notified"] is False
    assert "local emergency service" in answer["help"]["en"]
    of_country = linear.post("/v1/safety", {"messages": [DANGER], "country": "cn"}).json()["help"]
    assert "公安机关" in of_country["zh"]
    assert linear.post("/v1/safety", {"messages": ["So happy!"]}).json()["help"] is None
    unknown = linear.post("/v1/safety", {"messages": [DANGER], "country": "ZZ"}).json()["help"]
    assert unknown == answer["help"], "a country without an entry must not hide the help"


@pytest.mark.parametrize("text", ORDINARY)
def test_drafts_are_those_of_the_library(linear: Running, text: str) -> None:
    wanted = insula.reply(text, linear.service.models.default.predictor).to_dict()
    answer = linear.post("/v1/reply", {"text": text}).json()
    assert {name: answer[name] for name in wanted if name != "text"} == json.loads(
        json.dumps({name: value for name, value in wanted.items() if name != "text"})
    )
    assert answer["machine_made"] is True
    assert len(answer["drafts"]) == 3
    assert answer["hand_off"] is None


def test_clients_check_and_draft_as_the_library(linear: Running) -> None:
    model = linear.service.models.default.predictor
    given = ModelInput("Fine.", turns=(Turn("I lost my job.", "A"), Turn("How are you?", "B")), speaker="A")
    messages, replies = [*ORDINARY, DANGER], [BAD_REPLY, "I am listening."]

    async def ask() -> tuple[Any, ...]:
        async with AsyncClient(linear.address, options=ClientOptions(batch_size=2)) as client:
            return (
                await client.check_messages(messages),
                await client.check_replies(replies),
                await client.reply(given, n=2),
                await client.reply(DANGER, country="GB"),
            )

    with Client(linear.address, options=ClientOptions(batch_size=2)) as client:
        found = client.check_messages(messages), client.check_replies(replies), client.reply(given, n=2), client.reply(
            DANGER, country="GB"
        )  # fmt: skip
        assert found == asyncio.run(ask())
        checked, stopped, drafted, handed_off = found
        assert [one.level for one in checked] == [one.level for one in insula.check_messages(messages)]
        assert stopped == [insula.check_reply(one) for one in replies]
        assert drafted == insula.reply(given, model, n=2)
        assert drafted.state is not None
        assert drafted.state.moved is not None
        assert handed_off.drafts == ()
        assert handed_off.hand_off is not None
        assert "United Kingdom" in handed_off.hand_off.help
        assert client.check_replies([]) == []
        with pytest.raises(DataError, match="Put a single text in a list"):
            client.check_messages(DANGER)
        with pytest.raises(ServiceError, match="There is no draft with the strategy") as error:
            client.reply("So happy!", strategy="self_disclosure")
        assert error.value.status == 422


@pytest.mark.parametrize("body", [
    {"text": DANGER, "country": "GB"},
    {"text": "ok", "country": "GB", "turns": [{"speaker": "A", "text": DANGER}, {"text": "Please stay."}]},
])  # fmt: skip
def test_danger_gets_help_and_no_draft(linear: Running, body: dict[str, Any]) -> None:
    answer = linear.post("/v1/reply", body).json()
    assert answer["drafts"] == []
    assert answer["state"] is None
    assert answer["hand_off"]["risk"]["level"] == "immediate"
    assert answer["hand_off"]["notified"] is False
    assert "Nobody has been notified" in answer["hand_off"]["message"]
    assert "United Kingdom" in answer["hand_off"]["help"]


def test_a_weak_signal_gets_drafts_that_ask(linear: Running) -> None:
    text = "The scan is tomorrow. I keep reading about it at night."
    answer = linear.post("/v1/reply", {"text": text, "country": "GB"}).json()
    assert answer["hand_off"] is not None
    assert answer["check_in"]["risk"]["needs_person"] is True
    assert answer["check_in"]["notified"] is False
    assert {draft["strategy"] for draft in answer["drafts"]} == {"question"}
    assert "United Kingdom" in answer["check_in"]["help"]


def _fail(texts: Sequence[str]) -> list[RiskCheck]:
    raise ValueError(f"cannot check {texts}")


def test_a_detector_that_fails_hands_over(
    linear: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(safety_queue, "check_messages", _fail)
    with caplog.at_level(logging.DEBUG):
        checked = linear.post("/v1/safety", {"messages": ["So happy!"]}).json()
        drafted = linear.post("/v1/reply", {"text": "So happy!"}).json()
    assert checked["messages"][0]["needs_person"] is True
    assert checked["messages"][0]["failure"] == "The check failed (ValueError)."
    assert checked["help"] is not None
    assert drafted["drafts"] == []
    assert "could not be checked" in drafted["hand_off"]["message"]
    assert drafted["hand_off"]["risk"]["signal"] is False
    assert "ValueError" in caplog.text
    assert "So happy" not in caplog.text
    metrics = linear.get("/metrics").text
    assert 'insula_needs_person_total{level="unchecked"}' in metrics


class Stuck:
    """Lets checks begin, and go on when a test lets them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[str] = []
        self.go = threading.Event()
        check = safety_queue.check_messages

        def stuck(texts: Sequence[str]) -> list[RiskCheck]:
            self.begun.extend(texts)
            assert self.go.wait(DEADLINE)
            return check(texts)

        monkeypatch.setattr(safety_queue, "check_messages", stuck)


def test_a_slow_detector_hands_over(linear_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Stuck(monkeypatch)
    with running(linear_model, safety={"seconds": 0.2}) as service:
        drafted = service.post("/v1/reply", {"text": "So happy!"}).json()
        checked = service.post("/v1/safety", {"messages": ["Hello."]}).json()
        stuck.go.set()
        assert service.service.safety.texts_waiting == 0
    assert drafted["drafts"] == []
    assert drafted["hand_off"]["risk"]["failure"] == "The check took longer than 0.2 s."
    assert checked["messages"][0]["needs_person"] is True
    assert "So happy!" in stuck.begun


def test_an_overloaded_detector_hands_over(linear_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(linear_model, safety={"waiting": 1, "seconds": 60}) as service:
        assert service.post("/v1/reply", {"text": "So happy!"}).json()["hand_off"] is None
        stuck, found = Stuck(monkeypatch), list[dict[str, Any]]()

        def ask() -> None:
            found.append(service.post("/v1/reply", {"text": "So happy!"}).json())

        waiting = threading.Thread(target=ask)
        waiting.start()
        wait_until(lambda: stuck.begun, "nothing is checked")
        busy = service.post("/v1/safety", {"messages": ["Hello."], "replies": ["Hello."]}).json()
        drafted = service.post("/v1/reply", {"text": "Hello."}).json()
        stuck.go.set()
        waiting.join(DEADLINE)
    assert busy["messages"][0]["needs_person"] is True
    assert busy["messages"][0]["failure"] == "Too many texts wait for the check."
    assert busy["replies"][0]["allowed"] is False
    assert drafted["hand_off"] is not None
    assert drafted["drafts"] == []
    assert found[0]["hand_off"] is None, "what was let in is answered"


def test_wrong_requests_are_problems(linear: Running, linear_model: Path) -> None:
    problem(linear.post("/v1/safety", {}), 422, "validation")
    problem(linear.post("/v1/safety", {"messages": []}), 422, "validation")
    problem(linear.post("/v1/safety", {"messages": [" "]}), 422, "validation")
    problem(linear.post("/v1/safety", {"messages": ["long " * 5000]}), 413, "too_large")
    problem(linear.post("/v1/reply", {"text": "So\0 happy!"}), 422, "validation")
    problem(linear.post("/v1/reply", {"text": "So happy!", "n": 11}), 422, "validation")
    problem(linear.post("/v1/reply", {"text": "So happy!", "strategy": "hug"}), 422, "validation")
    problem(linear.post("/v1/reply", {"text": "So happy!", "model": "other"}), 404, "not_found")
    none = problem(linear.post("/v1/reply", {"text": "So happy!", "strategy": "self_disclosure"}), 422, "validation")
    assert "There is no draft with the strategy 'self_disclosure'" in none["detail"]
    with running(linear_model, safety={"enabled": False}) as service:
        problem(service.post("/v1/safety", {"messages": ["So happy!"]}), 501, "disabled")
        problem(service.post("/v1/reply", {"text": "So happy!"}), 501, "disabled")


def test_each_text_counts_towards_the_quota(linear_model: Path, tmp_path: Path) -> None:
    key = create_key("care", store=tmp_path, texts_per_day=4).secret
    headers = {"X-API-Key": key}
    with running(linear_model, store={"address": str(tmp_path)}) as service:
        assert service.post("/v1/safety", {"messages": ["a b"], "replies": ["c d"]}, headers=headers).is_success
        assert service.post("/v1/reply", {"text": "So happy!"}, headers=headers).is_success
        problem(service.post("/v1/safety", {"messages": ["a", "b"]}, headers=headers), 429, "quota")
        assert service.post("/v1/reply", {"text": "So happy!"}, headers=headers).is_success
        problem(service.post("/v1/reply", {"text": "So happy!"}, headers=headers), 429, "quota")
