"""The hand-off queue over HTTP: who may act, as whom, and what a service does by itself for late cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_running import Running, problem, running

from insula.api.access import create_key
from insula.api.handoff import open_queue
from insula.operations.handoff.cases import NewCase
from insula.operations.handoff.queue import HandoffQueue
from waiting import eventually, wait_until

CANARY = "kanarienvogel@example.org"


class Desk:
    """A service with a queue, its keys, and the queue itself."""

    def __init__(self, service: Running, keys: dict[str, str], store: Path) -> None:
        self.service = service
        self.store = store
        self._keys = keys

    def post(self, path: str, body: Any = None, *, by: str = "ann") -> Any:
        return self.service.post(f"/v1/queue{path}", body or {}, headers={"x-api-key": self._keys[by]})

    def get(self, path: str = "", *, by: str = "ann", **query: Any) -> Any:
        return self.service.get(f"/v1/queue{path}", params=query, headers={"x-api-key": self._keys[by]})

    def open(self, *messages: str, **fields: Any) -> list[int]:
        with open_queue(self.store) as queue:
            return [case.id for case in queue.open(*(NewCase(message=one, text=one, **fields) for one in messages))]


@pytest.fixture(scope="module")
def desk(linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A queue with agents, and a system that acts for them."""
    store = tmp_path_factory.mktemp("queue") / "data"
    keys = {name: create_key(name, scopes=("agent",), store=store).secret for name in ("ann", "ben")}
    keys["helpdesk"] = create_key("helpdesk", scopes=("agent", "admin"), store=store).secret
    keys["sender"] = create_key("sender", scopes=("predict",), store=store).secret
    options = {"store": {"address": str(store)}, "handoff": {"enabled": True, "check_seconds": 0.1}}
    with running(linear_model, **options) as service:
        yield Desk(service, keys, store)


def test_a_case_from_claim_to_reopening(desk: Desk) -> None:
    (case,) = desk.open("whole-life", risk="immediate")
    claimed = desk.post("/claim").json()["case"]
    assert (claimed["id"], claimed["agent"], claimed["state"]) == (case, "ann", "claimed")
    said = problem(desk.post(f"/{case}/claim", by="ben"), 409, "conflict")
    assert said["reason"] == "held"
    assert "'ann'" in said["detail"]
    assert desk.post(f"/{case}/renew", {"lease": 60}).status_code == 200
    assert desk.post(f"/{case}/release").json()["state"] == "waiting"
    assert desk.post(f"/{case}/reassign", {"to": "ben"}).json()["agent"] == "ben"
    closed = desk.post(f"/{case}/close", {"outcome": "called", "note": f"She is {CANARY}"}, by="ben").json()
    assert (closed["state"], closed["outcome"], closed["note"]) == ("closed", "called", "She is [EMAIL]")
    assert case not in [one["id"] for one in desk.get().json()["cases"]]
    assert case in [one["id"] for one in desk.get(state="closed").json()["cases"]]
    assert desk.post(f"/{case}/reopen", {"deadline": 60}).json()["times_reopened"] == 1
    events = desk.get(f"/{case}").json()["events"]
    assert [(event["event"], event["actor"]) for event in events] == [
        ("opened", "insula"), ("claimed", "ann"), ("renewed", "ann"), ("released", "ann"), ("reassigned", "ann"),
        ("closed", "ben"), ("reopened", "ann"),
    ]  # fmt: skip
    assert desk.post(f"/{case}/claim").status_code == 200
    assert desk.post(f"/{case}/close", {"outcome": "done"}).json()["state"] == "closed"


def test_a_key_acts_under_its_own_name(desk: Desk) -> None:
    (case,) = desk.open("own-name", queue="names")
    problem(desk.post(f"/{case}/claim", {"agent": "ben"}), 403, "forbidden")
    assert desk.post(f"/{case}/claim", {"agent": "ann"}).json()["agent"] == "ann"
    assert desk.post(f"/{case}/release").status_code == 200
    assert desk.post("/claim", {"agent": "eve", "queue": "names"}, by="helpdesk").json()["case"]["agent"] == "eve"
    assert [one["id"] for one in desk.get(agent="eve").json()["cases"]] == [case]
    problem(desk.get(by="sender"), 403, "forbidden")
    assert desk.post(f"/{case}/close", {"agent": "eve", "outcome": "x"}, by="helpdesk").status_code == 200


def test_wrong_calls_say_what_is_wrong(desk: Desk) -> None:
    (case,) = desk.open("wrong-calls", queue="wrong")
    problem(desk.get("/999999"), 404, "not_found")
    problem(desk.post("/999999/claim"), 404, "not_found")
    problem(desk.get("/nothing"), 404, "not_found")
    said = problem(desk.post(f"/{case}/reassign"), 422, "validation")
    assert "Send exactly one of `to` and `queue`" in said["detail"]
    problem(desk.post(f"/{case}/reassign", {"to": "ben", "queue": "b"}), 422, "validation")
    assert "outcome" in problem(desk.post(f"/{case}/close", {"note": "x"}), 422, "validation")["detail"]
    problem(desk.post(f"/{case}/claim", {"lease": 0}), 422, "validation")
    said = problem(desk.post(f"/{case}/close", {"outcome": f"{CANARY}\x00"}), 422, "validation")
    assert CANARY not in str(said)
    problem(desk.get(limit=501), 422, "validation")
    problem(desk.get(state="lost"), 422, "validation")
    assert problem(desk.post(f"/{case}/release"), 409, "conflict")["reason"] == "waiting"
    assert desk.post("/claim", {"queue": "empty"}).json() == {"case": None}


def test_late_cases_escalate_without_a_call(desk: Desk) -> None:
    (case,) = desk.open("late", deadline=1, queue="late")

    def is_late() -> bool:
        with open_queue(desk.store) as queue:
            return [event.event for event in queue.events(case)] == ["opened", "escalated"]

    wait_until(is_late, "the late case is not escalated")
    assert [one["id"] for one in desk.get(late=True, queue="late").json()["cases"]] == [case]
    stats = desk.get("/stats", queue="late").json()
    assert (stats["waiting"], stats["late"], stats["by_risk"]) == (1, 1, {"none": 1})

    def metrics() -> dict[str, float]:
        lines = desk.service.service.telemetry.export().decode().splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line[:1] != "#"}

    whole = desk.get("/stats").json()
    eventually(lambda: metrics()['insula_handoff_cases{state="waiting"}'], float(whole["waiting"]))
    assert metrics()["insula_handoff_late_cases"] == whole["late"] >= 1
    assert metrics()["insula_handoff_oldest_seconds"] > 0
    assert metrics()["insula_handoff_became_late_total"] >= 1
    assert metrics()["insula_handoff_checked_timestamp_seconds"] > 1e9


def test_the_check_for_late_cases_survives_an_outage(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from insula.core.errors import StoreUnreachableError

    failures = 0
    escalate = HandoffQueue.escalate

    def fail(queue: HandoffQueue) -> Any:
        nonlocal failures
        failures += 1
        raise StoreUnreachableError("gone") if failures % 2 else RuntimeError("what?")

    monkeypatch.setattr(HandoffQueue, "escalate", fail)
    wait_until(lambda: failures > 3, "the check ended")
    (case,) = desk.open("in an outage", deadline=1, queue="outage")
    monkeypatch.setattr(HandoffQueue, "escalate", escalate)
    wait_until(lambda: bool(desk.get(late=True, queue="outage").json()["cases"]), "the check did not go on")
    assert desk.get(f"/{case}").json()["escalated"] is not None


def test_a_service_without_a_queue_says_so(served: Running) -> None:
    assert "handoff.enabled" in problem(served.get("/v1/queue"), 501, "disabled")["detail"]
    assert b"insula_handoff_cases" not in served.service.telemetry.export()


def test_a_server_without_keys_acts_for_anybody(linear_model: Path, tmp_path: Path) -> None:
    with running(linear_model, store={"address": str(tmp_path)}, handoff={"enabled": True}) as service:
        with open_queue(tmp_path) as queue:
            queue.open(NewCase(message="m", text=CANARY))
        assert service.post("/v1/queue/claim", {"agent": "eve"}).json()["case"]["agent"] == "eve"
        assert problem(service.post("/v1/queue/1/release", {}), 409, "conflict")["reason"] == "held"
        assert CANARY not in service.get("/v1/queue/1").text
