"""Cases leave the house: each event is in the outbox with its case or not at all, and no word of a message with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from insula.core.errors import CaseConflictError
from insula.core.model_input import Turn
from insula.operations.handoff import case_rows
from insula.operations.handoff.cases import NewCase
from insula.operations.handoff.notifications import EVENTS
from insula.operations.handoff.notified_words import add_words
from insula.operations.handoff.queue import HandoffQueue
from insula.operations.outbox.outbox import Delivery, Outbox
from insula.operations.outbox.receivers import Receiver
from insula.operations.outbox.subscriptions import subscribe, unsubscribe
from insula.operations.store.database import Database
from insula.operations.store.retention import Retention
from insula.operations.store.rows import erase
from insula.operations.store.tables import CASES

CANARY = "kanarienvogel-9731"
OPS = Receiver(name="ops", kind="webhook", url="https://example.org/a")
CASE = NewCase(
    message="m-1", text=f"hello {CANARY}", risk="high", deadline=600, queue="billing", reason=CANARY, subject="anna",
    turns=[Turn(CANARY, CANARY)], speaker=CANARY, target=CANARY, customer={"name": CANARY}, words=[CANARY],
)  # fmt: skip


@pytest.fixture
def queue(database: Database, clock: Any) -> HandoffQueue:
    """A queue that masks nothing, so that its words can be found wherever they get."""
    return HandoffQueue(database, Retention(30, mask=str), clock=clock)


def waiting(database: Database, receiver: str = "ops") -> list[Delivery]:
    """Return what waits for a receiver, the oldest first."""
    found = [one for one in Outbox(database).list_deliveries(limit=1000) if one.receiver == receiver]
    return sorted(found, key=lambda one: one.id)


def test_every_event_is_in_the_outbox(database: Database, queue: HandoffQueue, clock: Any) -> None:
    subscribe(database, [OPS, Receiver(name="end", kind="slack", url=OPS.url, events=("case.closed",))], EVENTS)
    (case,) = queue.open(CASE)
    queue.open(CASE)  # the message has its case
    queue.claim("ann")
    queue.release(case.id, "ann")
    clock.forward(minutes=11)
    queue.escalate()
    queue.escalate()
    queue.reassign(case.id, actor="lead", agent="ben")
    queue.close(case.id, "ben", outcome="called", note=CANARY)
    queue.reopen(case.id, "lead")
    sent = [one.notification for one in waiting(database)]
    assert [one.event for one in sent] == list(EVENTS)
    assert len({one.key for one in sent}) == len(sent)
    assert [one.data["version"] for one in sent] == [1, 4, 5, 6, 7]
    assert [one.data["state"] for one in sent] == ["waiting", "waiting", "claimed", "closed", "waiting"]
    assert {(one.data["case"], one.data["message"], one.data["risk"]) for one in sent} == {(case.id, "m-1", "high")}
    assert sent[0].summary == f"Case {case.id} was opened in the queue billing: risk high, due 2026-11-24 12:10 UTC."
    assert "nobody holds it" in sent[1].summary
    assert sent[2].summary == f"Case {case.id} was reassigned to ben by lead."
    assert sent[3].summary == f"Case {case.id} was closed by ben: called."
    assert CANARY not in json.dumps([(one.summary, dict(one.data)) for one in sent])
    assert [one.notification.event for one in waiting(database, "end")] == ["case.closed"]


def test_a_step_that_fails_notifies_nobody(
    database: Database, queue: HandoffQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(database, [OPS], EVENTS)
    (case,) = queue.open(CASE)
    with pytest.raises(CaseConflictError):
        queue.close(case.id, "ann", outcome="called")
    assert len(waiting(database)) == 1

    def fail(*_: Any) -> None:
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(case_rows, "notify_subscribers", fail)
    with pytest.raises(RuntimeError):
        queue.open(NewCase(message="m-2"))
    assert [one.message for one in queue.list_cases()] == ["m-1"]  # neither the case nor its notification
    assert len(waiting(database)) == 1


def test_nobody_is_subscribed(database: Database, queue: HandoffQueue) -> None:
    queue.open(CASE)
    assert Outbox(database).list_deliveries() == []


def test_subscriptions_are_those_of_the_last_settings(database: Database, queue: HandoffQueue) -> None:
    old = Receiver(name="old", kind="slack", url=OPS.url)
    assert subscribe(database, [OPS, old], EVENTS) == []
    assert subscribe(database, [OPS.model_copy(update={"events": ("case.closed",)})], EVENTS) == ["old"]
    queue.open(CASE)
    assert (len(waiting(database)), len(waiting(database, "old"))) == (0, 1)  # no server of it may be lost by mistake
    assert unsubscribe(database, "old") == (True, 1)
    queue.open(NewCase(message="m-2"))
    assert waiting(database, "old") == []
    assert unsubscribe(database, "old") == (False, 0)


def test_words_are_for_those_who_ask(database: Database, queue: HandoffQueue) -> None:
    subscribe(database, [OPS], EVENTS)
    (case,) = queue.open(CASE)
    (stored,) = [one.notification for one in waiting(database)]
    assert add_words(database, OPS, stored) is stored
    asking = OPS.model_copy(update={"texts": "masked"})
    sent = add_words(database, asking, stored)
    assert (sent.data["text"], sent.data["reason"], sent.data["words"]) == (f"hello {CANARY}", CANARY, [CANARY])
    assert sent.data["turns"] == [{"text": CANARY, "speaker": CANARY}]
    erase(database, "anna")
    assert CANARY not in json.dumps(dict(add_words(database, asking, stored).data))
    with database.begin_write() as connection:
        connection.execute(sa.update(CASES).where(CASES.c.id == case.id).values(state="closed"))
        connection.execute(sa.delete(CASES))
    assert add_words(database, asking, stored).data["case"] == case.id  # its end is still reported
