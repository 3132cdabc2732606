"""The hand-off queue: the same in SQLite and PostgreSQL; no case is held twice, late unseen, or dropped."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from insula.core.errors import CaseConflictError, DataError, StoreError, StoreUnreachableError, UnknownNameError
from insula.core.model_input import Turn
from insula.operations.handoff.cases import NewCase
from insula.operations.handoff.queue import HandoffQueue
from insula.operations.store.database import Database, open_database
from insula.operations.store.retention import Retention
from insula.operations.store.rows import RetentionStore, delete_expired, erase
from insula.operations.store.tables import CASE_EVENTS, CASES
from waiting import DEADLINE

CANARY = "kanarienvogel-9731"


def _masked(text: str) -> str:
    return text.replace(CANARY, "[ID]")


def _events(queue: HandoffQueue, case: int) -> list[str]:
    return [event.event for event in queue.events(case)]


@pytest.fixture
def queue(database: Database, clock: Any) -> HandoffQueue:
    """An empty queue whose clock the test sets."""
    return HandoffQueue(database, Retention(30, mask=_masked), clock=clock)


def test_a_case_from_opening_to_closing(queue: HandoffQueue, clock: Any) -> None:
    (opened,) = queue.open(NewCase(message="m-1", text="I want to die", risk="high", deadline=600), actor="router")
    assert (opened.state, opened.risk, opened.due - opened.opened) == ("waiting", "high", timedelta(minutes=10))
    clock.forward(seconds=60)
    claimed = queue.claim("ann", lease=120)
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.agent) == (opened.id, "claimed", "ann")
    assert claimed.first_claimed == clock()
    assert claimed.lease_until == clock() + timedelta(seconds=120)
    assert queue.claim("ben") is None
    clock.forward(seconds=100)
    assert queue.renew(opened.id, "ann", lease=300).lease_until == clock() + timedelta(seconds=300)
    clock.forward(seconds=200)
    closed = queue.close(opened.id, "ann", outcome="resolved", note=f"called {CANARY}")
    assert (closed.state, closed.outcome, closed.note) == ("closed", "resolved", "called [ID]")
    assert queue.find(opened.id) == closed
    assert [(event.event, event.actor, event.version) for event in queue.events(opened.id)] == [
        ("opened", "router", 1), ("claimed", "ann", 2), ("renewed", "ann", 3), ("closed", "ann", 4),
    ]  # fmt: skip
    stats = queue.stats()
    assert (stats.opened, stats.closed, stats.waiting, stats.to_claim, stats.to_close) == (1, 1, 0, 60.0, 360.0)
    assert stats.outcomes == {"resolved": 1}


def test_a_sender_gets_one_confirmation(queue: HandoffQueue) -> None:
    one, two, calm, claimed = queue.open(
        NewCase(message="m-1", subject="anna"), NewCase(message="m-2", subject="anna"),
        NewCase(message="m-3"), NewCase(message="m-4", subject="ben"),
    )  # fmt: skip
    queue.claim("ann", case=claimed.id)
    assert not queue.acknowledge(claimed.id)
    assert not queue.acknowledge(one.id)  # another case of hers is open
    assert queue.acknowledge(one.id, besides=[two.id])
    assert not queue.acknowledge(one.id, besides=[two.id])
    assert queue.acknowledge(calm.id)  # nobody knows whose it is
    assert [_events(queue, case.id) for case in (one, two, calm)] == [
        ["opened", "acknowledged"],
        ["opened"],
        ["opened", "acknowledged"],
    ]
    queue.claim("ann", case=one.id)
    queue.close(one.id, "ann", outcome="done")
    assert queue.acknowledge(two.id)
    with pytest.raises(UnknownNameError):
        queue.acknowledge(99)


def test_simultaneous_requests_confirm_a_message_once(queue: HandoffQueue) -> None:
    cases = queue.open(
        NewCase(message="m-1"), NewCase(message="m-2", subject="anna"), NewCase(message="m-3", subject="anna")
    )
    start, sent = threading.Barrier(6), list[int]()

    def confirm(case: int) -> None:
        start.wait(DEADLINE)
        try:
            if queue.acknowledge(case):
                sent.append(case)
        except CaseConflictError:
            pass

    threads = [threading.Thread(target=confirm, args=[case.id]) for case in (*cases, *cases)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert sent == [cases[0].id]  # of two open cases of a person neither is confirmed by a request that knows one


def test_the_riskiest_then_the_earliest_case_comes_first(queue: HandoffQueue) -> None:
    queue.open(
        NewCase(message="calm", deadline=60),
        NewCase(message="soon", risk="concern", deadline=60),
        NewCase(message="later", risk="concern", deadline=3600),
        NewCase(message="now", risk="immediate", deadline=7200),
        NewCase(message="now too", risk="immediate", deadline=7200),
        NewCase(message="other", risk="immediate", deadline=1, queue="billing"),
    )
    wanted = ["other", "now", "now too", "soon", "later", "calm"]
    assert [case.message for case in queue.list_cases()] == wanted
    claimed = [queue.claim("ann", queue="default") for _ in range(5)] + [queue.claim("ann")]
    assert [case.message for case in claimed if case is not None] == [*wanted[1:], "other"]


def test_a_message_gets_one_case_only(queue: HandoffQueue) -> None:
    first, other, again = queue.open(
        NewCase(message="m-1", text="first"),
        NewCase(message="m-1", source="mail"),
        NewCase(message="m-1", text="twice"),
    )
    assert (first.id == again.id, again.text, first.id == other.id) == (True, "first", False)
    queue.claim("ann", case=first.id)
    queue.close(first.id, "ann", outcome="resolved")
    (redelivered,) = queue.open(NewCase(message="m-1", text="first"))
    assert (redelivered.id, redelivered.state) == (first.id, "closed")
    assert queue.stats().opened == 2
    assert Counter(_events(queue, first.id))["opened"] == 1


def test_messages_in_the_hands_of_people_are_known(queue: HandoffQueue) -> None:
    (case,) = queue.open(NewCase(message="m-1", source="mail", subject="anna"))
    queue.open(NewCase(message="m-2", source="chat"))
    assert queue.find_handed_off("mail", ["m-1", "m-2"]) == {"m-1"}
    assert queue.find_handed_off("", ["m-1"]) == set()
    assert queue.find_handed_off("mail", ["m-2"], subject="ben") == set()
    assert queue.find_handed_off("chat", ["m-8", "m-9"], subject="anna") == {"m-8", "m-9"}
    queue.claim("ann", case=case.id)
    assert queue.find_handed_off("chat", ["m-9"], subject="anna") == {"m-9"}
    queue.close(case.id, "ann", outcome="done")
    assert queue.find_handed_off("mail", ["m-1", "m-9"], subject="anna") == {"m-1"}


def test_only_the_holder_may_renew_release_and_close(queue: HandoffQueue) -> None:
    (case,) = queue.open(NewCase(message="m"))
    steps: dict[str, Callable[[str], object]] = {
        "renew": lambda agent: queue.renew(case.id, agent),
        "release": lambda agent: queue.release(case.id, agent),
        "close": lambda agent: queue.close(case.id, agent, outcome="resolved"),
    }
    for step in steps.values():
        with pytest.raises(CaseConflictError, match="nobody holds it") as refused:
            step("ann")
        assert refused.value.code == "waiting"
    queue.claim("ann")
    before = queue.find(case.id)
    steps["claim"] = lambda agent: queue.claim(agent, case=case.id)
    for step in steps.values():
        with pytest.raises(CaseConflictError, match="held by 'ann' until") as refused:
            step("ben")
        assert refused.value.code == "held"
    assert queue.find(case.id) == before
    queue.close(case.id, "ann", outcome="resolved")
    assert queue.close(case.id, "ann", outcome="resolved") == queue.find(case.id)  # a repeated call changes nothing
    for step in (*steps.values(), lambda agent: queue.reassign(case.id, actor=agent, queue="x")):
        with pytest.raises(CaseConflictError, match=r"'resolved'\. Reopen it first") as refused:
            step("ben")
        assert refused.value.code == "closed"
    assert _events(queue, case.id) == ["opened", "claimed", "closed"]


def test_a_lease_that_ends_gives_the_case_back(queue: HandoffQueue, clock: Any) -> None:
    (case,) = queue.open(NewCase(message="m"))
    queue.claim("ann", lease=60)
    clock.forward(seconds=60)
    with pytest.raises(CaseConflictError, match=r"lease of 'ann' on case .* expired at 12:01:00 UTC") as refused:
        queue.close(case.id, "ann", outcome="resolved")
    assert refused.value.code == "expired"
    assert queue.find(case.id).state == "waiting"  # recorded although the step was refused
    held = queue.claim("ben", lease=60)
    assert held is not None
    assert (held.agent, held.expired_leases) == ("ben", 1)
    with pytest.raises(CaseConflictError, match="held by 'ben'"):
        queue.renew(case.id, "ann")
    clock.forward(seconds=61)
    assert [one.id for one in queue.escalate().returned] == [case.id]
    with pytest.raises(CaseConflictError, match="lease of 'ben'"):
        queue.renew(case.id, "ben")
    assert _events(queue, case.id) == ["opened", "claimed", "expired", "claimed", "expired"]
    assert queue.stats().expired_leases == 2
    queue.claim("ann", case=case.id)
    queue.release(case.id, "ann")
    with pytest.raises(CaseConflictError, match="nobody holds it"):
        queue.renew(case.id, "ann")


def test_reassigning_moves_a_case(queue: HandoffQueue, clock: Any) -> None:
    (case,) = queue.open(NewCase(message="m"))
    queue.claim("ann")
    moved = queue.reassign(case.id, actor="lead", agent="ben", lease=60)
    assert (moved.agent, moved.lease_until) == ("ben", clock() + timedelta(seconds=60))
    with pytest.raises(CaseConflictError, match="held by 'ben'"):
        queue.renew(case.id, "ann")
    moved = queue.reassign(case.id, actor="ben", queue="billing")
    assert (moved.state, moved.agent, moved.queue) == ("waiting", None, "billing")
    assert queue.claim("ann", queue="default") is None
    assert [(event.actor, event.facts.get("from_agent")) for event in queue.events(case.id)[2:]] == [
        ("lead", "ann"), ("ben", "ben"),
    ]  # fmt: skip
    for both in ({}, {"agent": "a", "queue": "b"}):
        with pytest.raises(DataError, match="to an agent or to a queue"):
            queue.reassign(case.id, actor="lead", **both)


def test_a_reopened_case_waits_with_a_new_deadline(queue: HandoffQueue, clock: Any) -> None:
    (case,) = queue.open(NewCase(message="m", deadline=60))
    with pytest.raises(CaseConflictError, match="not closed: it is waiting") as refused:
        queue.reopen(case.id, "lead")
    assert refused.value.code == "open"
    clock.forward(seconds=90)
    queue.claim("ann")
    queue.close(case.id, "ann", outcome="resolved", note="done")
    again = queue.reopen(case.id, "lead", deadline=300)
    assert (again.state, again.outcome, again.note, again.closed, again.agent) == ("waiting", None, None, None, None)
    assert (again.due, again.escalated, again.times_reopened) == (clock() + timedelta(seconds=300), None, 1)
    assert _events(queue, case.id) == ["opened", "escalated", "claimed", "closed", "reopened"]
    assert queue.events(case.id)[-1].facts["outcome"] == "resolved"
    clock.forward(seconds=301)
    assert [one.id for one in queue.escalate().late] == [case.id]  # once more, for the new deadline


def test_a_late_case_is_escalated_once_whoever_sees_it(queue: HandoffQueue, clock: Any) -> None:
    cases = queue.open(*(NewCase(message=f"m-{number}", deadline=60) for number in range(6)))
    held = queue.claim("ann", lease=600)
    assert held is not None
    clock.forward(seconds=59)
    assert queue.escalate().late == ()
    clock.forward(seconds=1)
    queue.close(held.id, "ann", outcome="resolved")  # too late, and recorded as such
    claimed = queue.claim("ben")
    assert claimed is not None
    assert claimed.escalated == clock()
    found = queue.escalate().late
    assert len(found) == 4
    assert {one.state for one in found} == {"waiting"}
    assert queue.escalate().late == ()
    assert [Counter(_events(queue, case.id))["escalated"] for case in cases] == [1] * 6
    assert len(queue.list_cases(late=True)) == 5
    assert (queue.stats().late, queue.stats().escalations) == (5, 6)


def test_more_late_cases_than_one_transaction_takes(queue: HandoffQueue, clock: Any, monkeypatch: Any) -> None:
    for module in ("queue", "steps"):
        monkeypatch.setattr(f"insula.operations.handoff.{module}.BATCH", 3)
    queue.open(*(NewCase(message=f"m-{number}", deadline=60) for number in range(10)))
    for _ in range(7):
        queue.claim("ann", lease=30)
    clock.forward(seconds=60)
    found = queue.escalate()
    assert (len(found.late), len(found.returned)) == (10, 7)
    assert {case.state for case in queue.list_cases()} == {"waiting"}


@pytest.mark.parametrize("ahead", [timedelta(days=400), timedelta(hours=2)])
def test_no_case_is_lost_if_the_clock_is_set_back(queue: HandoffQueue, clock: Any, ahead: timedelta) -> None:
    right = clock.now
    clock.now = right + ahead  # the clock is wrong
    held, waiting = queue.open(NewCase(message="held", deadline=3600), NewCase(message="waiting", deadline=3600))
    queue.claim("ann", case=held.id, lease=600)
    clock.now = right  # and corrected: the lease and the deadlines are far in the future
    (new,) = queue.open(NewCase(message="new", deadline=60))
    found = queue.escalate()
    assert {one.id for one in found.late} == {held.id, waiting.id}
    assert [one.id for one in found.returned] == [held.id]
    claimed = [queue.claim("ben"), queue.claim("ben"), queue.claim("ben")]
    assert {one.id for one in claimed if one is not None} == {held.id, waiting.id, new.id}
    numbers = [event.number for case in (held, waiting, new) for event in queue.events(case.id)]
    assert len(set(numbers)) == len(numbers)
    assert [event.version for event in queue.events(held.id)] == [1, 2, 3, 4, 5]


def test_a_small_step_back_ends_no_lease(queue: HandoffQueue, clock: Any) -> None:
    (case,) = queue.open(NewCase(message="m", deadline=60))
    queue.claim("ann", lease=60)
    clock.forward(seconds=-30)
    assert queue.escalate() == type(queue.escalate())((), ())
    assert queue.renew(case.id, "ann").agent == "ann"


def test_words_are_masked_before_they_are_stored(queue: HandoffQueue, database: Database) -> None:
    (case,) = queue.open(
        NewCase(
            message="m", text=f"I am {CANARY}\x00", turns=[Turn(f"who is {CANARY}?", CANARY)], speaker=CANARY,
            target=f"{CANARY} again", reason=f"“{CANARY}”", customer={"name": CANARY, "tier": "gold", "orders": 3},
            answer={"labels": ["anger"], "scores": {"anger": 0.9}, "text": CANARY}, subject=CANARY, tags=["refund"],
        )
    )  # fmt: skip
    assert (case.text, case.speaker, case.target, case.reason) == ("I am [ID]", "[ID]", "[ID] again", "“[ID]”")
    assert case.turns == ({"text": "who is [ID]?", "speaker": "[ID]"},)
    assert case.customer == {"name": "[ID]", "tier": "gold", "orders": 3}
    assert case.answer == {"labels": ["anger"], "scores": {"anger": 0.9}}
    with database.begin_read() as connection:
        rows = [str(row) for table in (CASES, CASE_EVENTS) for row in connection.execute(sa.select(table))]
    assert CANARY not in "".join(rows)
    without = HandoffQueue(database, Retention(30))
    (bare,) = without.open(NewCase(message="m-2", text="hello", reason="why", customer={"tier": "gold"}, rule="r"))
    assert (bare.text, bare.reason, bare.customer, bare.rule) == (None, None, None, "r")


def test_a_case_is_opened_even_if_masking_fails(database: Database) -> None:
    def fail(text: str) -> str:
        raise ZeroDivisionError(text)

    (case,) = HandoffQueue(database, Retention(30, mask=fail)).open(NewCase(message="m", text="help me", risk="high"))
    assert (case.state, case.text, case.risk) == ("waiting", None, "high")
    assert "could not be masked" in str(case.reason)


def test_a_case_is_opened_whatever_the_model_predicts(queue: HandoffQueue) -> None:
    for number, answer in enumerate(({"scores": {"anger": float("nan")}}, {"labels": {"anger"}}, {"other": 1}, {})):
        (case,) = queue.open(NewCase(message=f"m-{number}", text="help", answer=answer))
        assert (case.state, case.answer) == ("waiting", None)


def test_retention_deletes_closed_cases_only(queue: HandoffQueue, database: Database, clock: Any) -> None:
    cases = queue.open(*(NewCase(message=f"m-{number}", text="hello") for number in range(4)))
    for case in cases[1:3]:
        queue.claim("ann", case=case.id)
    queue.close(cases[1].id, "ann", outcome="resolved")
    queue.claim("ann", case=cases[3].id)
    queue.close(cases[3].id, "ann", outcome="resolved")
    queue.reopen(cases[3].id, "lead")
    clock.forward(days=4000)
    assert RetentionStore(database, Retention(0.001), clock=clock).delete_old() == 1
    assert delete_expired(database, now=clock()) == 0
    assert [case.id for case in queue.list_cases(states=("waiting", "claimed", "closed"))] == [
        cases[0].id, cases[2].id, cases[3].id,
    ]  # fmt: skip
    assert _events(queue, cases[1].id) == ["opened", "claimed", "closed"]  # the trail stays
    stats = queue.stats()
    assert (stats.opened, stats.deleted, stats.waiting + stats.claimed) == (4, 1, 3)
    with pytest.raises(UnknownNameError, match="insula queue list"):
        queue.find(cases[1].id)


def test_the_database_itself_keeps_cases_and_events(queue: HandoffQueue, database: Database) -> None:
    (case,) = queue.open(NewCase(message="m"))
    statements = [sa.delete(CASES), sa.delete(CASE_EVENTS), sa.update(CASE_EVENTS).values(actor="nobody")]
    if database.kind == "postgresql":
        statements += [sa.text("TRUNCATE cases"), sa.text("TRUNCATE case_events")]
    for statement in statements:

        def run(statement: Any = statement) -> None:
            with database.begin_write() as connection:
                connection.execute(statement)

        with pytest.raises(StoreError, match=r"cannot be deleted|can only be added"):
            run()
    assert queue.find(case.id) == case


def test_an_erased_subject_leaves_an_open_case(queue: HandoffQueue, database: Database, clock: Any) -> None:
    anna = {"text": "I am so angry", "subject": "anna", "reason": "anger", "customer": {"city": "Bonn"}}
    kept, gone, _ = queue.open(
        NewCase(message="open", **anna), NewCase(message="closed", **anna), NewCase(message="other", subject="ben")
    )
    queue.claim("ann", case=gone.id)
    queue.close(gone.id, "ann", outcome="resolved")
    assert erase(database, "anna") == 2
    case = queue.find(kept.id)
    assert (case.state, case.text, case.reason, case.customer) == ("waiting", None, None, None)
    assert case.erased is not None
    with pytest.raises(UnknownNameError):
        queue.find(gone.id)
    assert len(queue.list_cases()) == 2
    queue.claim("ann", case=kept.id)
    queue.close(kept.id, "ann", outcome="resolved")
    assert delete_expired(database, now=clock()) == 1  # nothing is left to keep


def test_agents_at_the_same_moment_get_different_cases(open_store: Callable[[], Database], database: Database) -> None:
    cases, agents = 40, 6
    HandoffQueue(database, Retention(1)).open(*(NewCase(message=f"m-{number}") for number in range(cases)))
    got: dict[str, list[int]] = {f"agent-{number}": [] for number in range(agents)}
    stores = {agent: open_store() for agent in got}
    start = threading.Barrier(agents)

    def work(agent: str) -> None:
        queue = HandoffQueue(stores[agent], Retention(1))
        start.wait(DEADLINE)
        while (case := queue.claim(agent)) is not None:
            got[agent].append(case.id)

    threads = [threading.Thread(target=work, args=(agent,)) for agent in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    claimed = [case for cases in got.values() for case in cases]
    assert sorted(claimed) == sorted(set(claimed))
    assert len(claimed) == cases
    held = {case.id: case.agent for case in HandoffQueue(database, Retention(1)).list_cases()}
    assert held == {case: agent for agent, cases in got.items() for case in cases}


def test_one_case_for_all_who_open_it_at_once(open_store: Callable[[], Database], database: Database) -> None:
    stores, start, ids = [open_store() for _ in range(4)], threading.Barrier(4), set[int]()

    def work(store: Database) -> None:
        start.wait(DEADLINE)
        new = [NewCase(message=f"m-{number}") for number in range(20)]
        ids.update(case.id for case in HandoffQueue(store, Retention(1)).open(*new))

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(ids) == 20
    assert HandoffQueue(database, Retention(1)).stats().opened == 20


def test_without_a_clock_the_time_is_the_present(database: Database) -> None:
    (case,) = HandoffQueue(database, Retention(1)).open(NewCase(message="m"))
    assert abs(datetime.now(UTC) - case.opened) < timedelta(minutes=1)
    assert case.opened.tzinfo is UTC


def test_a_store_that_is_away_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insula.operations.store.database.TIMEOUT", 0.2)
    one, two = open_database(tmp_path), open_database(tmp_path)
    queue = HandoffQueue(two, Retention(1))
    queue.open(NewCase(message="m"))
    with one.begin_write(), pytest.raises(StoreUnreachableError, match="locked"):
        queue.claim("ann")
    assert queue.find(1).state == "waiting"
    one.close()
    two.close()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"message": ""}, "id of the message must have 1 to 200"),
        ({"message": "a\nb"}, "id of the message"),
        ({"queue": " "}, "queue must have 1 to 100"),
        ({"source": "x" * 101}, "source must have"),
        ({"rule": "x" * 201}, "rule must have"),
        ({"language": "x" * 21}, "language must have"),
        ({"risk": "much"}, "none, concern, high, immediate. Got 'much'"),
        ({"deadline": 0}, "deadline must be from 1 second to a year. Got 0"),
        ({"customer": {"score": float("nan")}}, "customer field 'score'"),
        ({"customer": {"orders": [1]}}, "customer field 'orders'"),
    ],
)
def test_what_no_case_can_be_is_rejected(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        NewCase(**{"message": "m", **wrong})


def test_impossible_steps_are_rejected(queue: HandoffQueue) -> None:
    (case,) = queue.open(NewCase(message="m"))
    for step in (
        lambda: queue.claim(""),
        lambda: queue.claim("ann", lease=0),
        lambda: queue.close(case.id, "ann", outcome=" "),
        lambda: queue.reassign(case.id, actor="ann", agent=""),
        lambda: queue.list_cases(states=()),
    ):
        with pytest.raises(DataError):
            step()
    for call in (lambda: queue.renew(99, "ann"), lambda: queue.events(99), lambda: queue.claim("ann", case=99)):
        with pytest.raises(UnknownNameError, match="No case has the number 99"):
            call()
    assert _events(queue, case.id) == ["opened"]
