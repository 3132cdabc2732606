"""Messages that are predicted over HTTP and handed to people where a rule says so."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import Running, problem, running

from insula.api.handoff import open_queue
from insula.client import AsyncClient, Client, ClientOptions
from insula.core.errors import DataError, ServiceError, SettingsError
from insula.core.model_input import ModelInput
from insula.operations.handoff.case_rows import UNMASKED
from insula.operations.handoff.cases import Case
from insula.safety import mask as masking
from insula.serving.handoff import message_router
from waiting import DEADLINE

ROUTES = """
[[routes]]
name = "gold"
where = {tier = "gold"}
tags = ["gold"]

[[routes]]
name = "fine"
predicted = ["positive"]
ignore = true

[[routes]]
name = "angry"
predicted = ["negative"]
queue = "care"
deadline = "30m"
priority = "concern"
acknowledge = {en = "We have your message."}
"""
ANGRY = "awful and terrible, write to kanarienvogel@example.org"


@dataclass
class Sender:
    """A service with routing rules, and its store."""

    service: Running
    store: Path

    def send(self, *messages: dict[str, Any], **more: Any) -> Any:
        return self.service.post("/v1/route", {"messages": list(messages), **more})

    def find(self, id: int) -> Case:
        with open_queue(self.store) as queue:
            return queue.find(id)


@pytest.fixture(scope="module")
def sender(linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    """A service that routes with a file of rules."""
    folder = tmp_path_factory.mktemp("route")
    (folder / "routes.toml").write_text(ROUTES, encoding="utf-8")
    options = {
        "store": {"address": str(folder)},
        "handoff": {"routes": str(folder / "routes.toml"), "explain_ms": 60_000},
    }
    with running(linear_model, **options) as service:
        yield Sender(service, folder)


def test_messages_go_where_the_rules_say(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_router, "EXPLAIN_SECONDS", DEADLINE)  # a busy machine finds the words later
    turns = [{"speaker": "agent", "text": "Two weeks late."}]
    answer = sender.send(
        {"id": "m-1", "text": ANGRY, "turns": turns, "attributes": {"tier": "gold"}, "language": "en"},
        {"id": "m-2", "text": "so happy", "language": "en"},
        {"id": "m-3", "text": "I want to kill myself", "language": "en"},
        source="mail",
        subject="customer-1",
    ).json()
    angry, happy, danger = answer["messages"]
    assert (angry["action"], angry["rule"], angry["queue"], angry["tags"]) == ("queue", "angry", "care", ["gold"])
    assert (happy["action"], happy["rule"], happy["case"]) == ("ignore", "fine", None)
    assert (danger["action"], danger["rule"], danger["priority"]) == ("queue", "safeguard", "high")
    case = sender.find(angry["case"]["id"])
    assert (case.message, case.source, case.queue, case.risk) == ("m-1", "mail", "care", "concern")
    assert case.text == ANGRY.replace("kanarienvogel@example.org", "[EMAIL]")
    assert case.turns == ({"speaker": "agent", "text": "Two weeks late."},)
    assert case.customer == {"tier": "gold"}
    assert case.answer is not None
    assert case.answer["label"] == angry["prediction"]["label"] == "negative"
    assert case.reason is not None
    assert case.reason.startswith("Rule 'angry': predicted negative")
    assert set(case.words) & {"awful", "terrible"}
    assert "EMAIL" not in case.words
    again = sender.send({"id": "m-1", "text": ANGRY, "language": "en"}, source="mail").json()["messages"][0]
    assert again["case"]["id"] == case.id
    other = sender.send({"id": "m-1", "text": ANGRY, "language": "en"}, source="chat").json()["messages"][0]
    assert other["case"]["id"] != case.id


def test_nobody_answers_automatically_after_the_hand_off(sender: Sender) -> None:
    def is_handed_off(id: str, text: str = "so happy", *, subject: str | None = "customer-9") -> bool:
        more = {} if subject is None else {"subject": subject}
        message = {"id": id, "text": text, "language": "en"}
        return bool(sender.send(message, source="bot", **more).json()["messages"][0]["handed_off"])

    assert not is_handed_off("b-1")
    first, angry = sender.send(
        {"id": "b-2", "text": "so happy", "language": "en"}, {"id": "b-3", "text": ANGRY, "language": "en"},
        source="bot", subject="customer-9",
    ).json()["messages"]  # fmt: skip
    assert (first["case"], first["handed_off"], angry["handed_off"]) == (None, True, True)
    assert is_handed_off("b-4")
    assert not is_handed_off("b-4", subject="customer-10")
    assert not is_handed_off("b-4", subject=None)
    # The rules would ignore it now, and an agent has it all the same.
    assert is_handed_off("b-3", subject=None)
    with open_queue(sender.store) as queue:
        queue.claim("ann", case=angry["case"]["id"])
        assert is_handed_off("b-4")
        queue.close(angry["case"]["id"], "ann", outcome="called")
        assert not is_handed_off("b-4")
        assert is_handed_off("b-3")
        queue.reopen(angry["case"]["id"], "ann")
    assert is_handed_off("b-4")


def test_a_message_is_confirmed_once(sender: Sender) -> None:
    def send(*messages: dict[str, Any], **more: Any) -> list[tuple[str | None, str | None]]:
        found = sender.send(*({"text": ANGRY, "language": "en"} | one for one in messages), **more).json()["messages"]
        for one in found:
            assert (one["acknowledgement"] or {}).get("machine_made", True) is True
        return [((one["acknowledgement"] or {}).get("text"), one["withheld"]) for one in found]

    def count() -> dict[str, float]:
        found = re.findall(
            r'insula_acknowledgements_total\{outcome="(\w+)"\} (\S+)', sender.service.get("/metrics").text
        )
        return {outcome: float(number) for outcome, number in found}

    counted = count()
    sent, late = ("We have your message.", None), (None, "handed_off")
    assert send({"id": "a-1"}, {"id": "a-2", "text": "so happy"}, {"id": "a-1"}) == [sent, (None, None), late]
    assert send({"id": "a-1"}, source="other") == [sent]
    assert send({"id": "a-1"}) == [late]  # a repeated request
    assert send({"id": "a-3"}, {"id": "a-4"}, subject="carla") == [sent, late]
    assert send({"id": "a-5"}, subject="carla") == [late]
    assert send({"id": "a-6", "turns": [{"text": "Hello?"}]}) == [(None, "conversation")]
    assert send({"id": "a-7", "language": "zh"}) == [(None, "language")]
    assert send({"id": "a-8", "language": "fr"}) == [(None, "danger")]  # nobody can check it
    assert send({"id": "a-9", "text": f"{ANGRY}. I want to kill myself"}) == [(None, "danger")]
    danger = {"id": "a-11", "text": "I want to kill myself"}
    assert send({"id": "a-10"}, danger, subject="dora") == [(None, "danger"), (None, None)]
    assert {outcome: after - counted.get(outcome, 0) for outcome, after in count().items()} == {
        "drafted": 3, "handed_off": 4, "conversation": 1, "language": 1, "danger": 3,
    }  # fmt: skip
    case = sender.send({"id": "a-3", "text": ANGRY, "language": "en"}).json()["messages"][0]["case"]["id"]
    with open_queue(sender.store) as queue:
        assert [event.event for event in queue.events(case)] == ["opened", "acknowledged"]


def test_an_unchecked_message_is_not_confirmed(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    from insula.serving.queueing import safety_queue

    def fail(texts: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(safety_queue, "check_messages", fail)
    found = sender.send({"id": "m-unchecked", "text": ANGRY, "language": "en"}).json()["messages"][0]
    assert (found["acknowledgement"], found["withheld"], found["queue"]) == (None, "danger", "care")


def test_nothing_is_confirmed_without_the_check(linear_model: Path, tmp_path: Path) -> None:
    (tmp_path / "routes.toml").write_text(ROUTES, encoding="utf-8")
    options = {"store": {"address": str(tmp_path)}, "handoff": {"routes": str(tmp_path / "routes.toml")}}
    with pytest.raises(SettingsError, match="acknowledge"), running(linear_model, safety={"enabled": False}, **options):
        pass


def test_a_message_that_cannot_be_masked_gets_a_case(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    from insula.serving import retention_writer

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(retention_writer, "mask", fail)
    found = sender.send({"id": "m-broken", "text": ANGRY, "language": "en"}).json()["messages"][0]
    case = sender.find(found["case"]["id"])
    assert (case.text, case.reason, case.words, case.queue) == (None, UNMASKED, (), "care")


def test_slow_masking_delays_no_case(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    from insula.serving import retention_writer

    def wait(text: str, **more: Any) -> Any:
        time.sleep(1)
        return masking.mask(text, **more)

    monkeypatch.setattr(retention_writer, "mask", wait)
    monkeypatch.setattr(message_router, "MASK_SECONDS", 0.2)
    found = sender.send({"id": "m-slow", "text": ANGRY, "language": "en"}).json()["messages"][0]
    assert sender.find(found["case"]["id"]).reason == UNMASKED


def test_no_text_is_stored_if_none_may_be(linear_model: Path, tmp_path: Path) -> None:
    (tmp_path / "routes.toml").write_text(ROUTES, encoding="utf-8")
    handoff = {"routes": str(tmp_path / "routes.toml"), "texts": "none"}
    with running(linear_model, store={"address": str(tmp_path)}, handoff=handoff) as service:
        sender = Sender(service, tmp_path)
        found = sender.send({"id": "m-1", "text": ANGRY, "speaker": "Anna"}).json()["messages"][0]
        case = sender.find(found["case"]["id"])
        assert (case.text, case.speaker, case.reason, case.words, case.turns) == (None, None, None, (), ())


def test_wrong_requests_open_no_case(sender: Sender, served: Running) -> None:
    assert "id" in problem(sender.send({"text": "so happy"}), 422, "validation")["detail"]
    problem(sender.send({"id": " ", "text": "so happy"}), 422, "validation")
    problem(sender.send({"id": "x\n", "text": "so happy"}), 422, "validation")
    problem(sender.send({"id": "m-9", "text": "  "}), 422, "validation")
    problem(sender.send(), 422, "validation")
    problem(sender.send(*({"id": str(n), "text": ANGRY} for n in range(1001))), 413, "too_large")
    said = problem(served.post("/v1/route", {"messages": [{"id": "m", "text": "so happy"}]}), 501, "disabled")
    assert "handoff.routes" in said["detail"]


def test_rules_for_another_model_stop_the_start(linear_model: Path, tmp_path: Path) -> None:
    (tmp_path / "routes.toml").write_text(
        '[[routes]]\nname = "a"\npredicted = ["envy"]\nqueue = "b"\n', encoding="utf-8"
    )
    options = {"store": {"address": str(tmp_path)}, "handoff": {"routes": str(tmp_path / "routes.toml")}}
    with pytest.raises(DataError, match="'envy'"), running(linear_model, **options):
        pass


def test_the_clients_route_and_handle_cases(sender: Sender) -> None:
    message = {"id": "m-client", "text": ANGRY, "language": "en"}
    with Client(sender.service.address, options=ClientOptions(batch_size=1)) as client:
        routed = client.route([message, ModelInput("so happy", id="m-2")], source="client", subject="s")
        case = routed[0]["case"]["id"]
        assert routed[1]["case"] is None
        taken = client.cases.claim(case, agent="ann")
        assert taken is not None
        assert taken["agent"] == "ann"
        assert [one["id"] for one in client.cases.find(agent="ann", state=["claimed"])] == [case]
        assert client.cases.renew(case, lease=60, agent="ann")["state"] == "claimed"
        assert client.cases.release(case, agent="ann")["state"] == "waiting"
        assert client.cases.reassign(case, queue="q-client")["queue"] == "q-client"
        with pytest.raises(ServiceError) as refused:
            client.cases.close(case, outcome="x")
        assert (refused.value.status, refused.value.code) == (409, "conflict")
        assert client.cases.stats(queue="q-client")["waiting"] == 1

    async def handle() -> dict[str, Any]:
        async with AsyncClient(sender.service.address) as client:
            (again,) = await client.route([message], source="client")
            assert again["case"]["id"] == case
            taken = await client.cases.claim(queue="q-client")
            assert taken is not None
            assert (await client.cases.close(case, outcome="done"))["outcome"] == "done"
            assert (await client.cases.reopen(case, deadline=60))["state"] == "waiting"
            assert [one["id"] for one in await client.cases.find(queue="q-client")] == [case]
            return await client.cases.show(case)

    assert len(asyncio.run(handle())["events"]) == 9


def test_a_claim_that_may_be_done_is_not_repeated(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def fail(self: httpx2.Client, method: str, path: str, **_: Any) -> Any:
        calls.append(path)
        raise httpx2.ReadTimeout("lost")

    monkeypatch.setattr(httpx2.Client, "request", fail)
    with Client(sender.service.address, options=ClientOptions(first_pause=0.001)) as client:
        for call, attempts in ((client.cases.claim, 1), (client.cases.stats, 5)):
            calls.clear()
            with pytest.raises(ServiceError):
                call()
            assert len(calls) == attempts
