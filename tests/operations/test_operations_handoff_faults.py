"""The hand-off queue while workers and the database are killed: nothing is dropped, held twice, or late unseen.

Workers read messages in order and note on disk how far they are, as the consumers of a stream do; they open a case for
each, claim cases, and close, release or forget them. All of them die by SIGKILL at random moments, PostgreSQL as well.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from debian_services import PostgreSQL
from insula.core.errors import CaseConflictError, StoreError
from insula.operations.handoff.cases import CaseEvent, NewCase
from insula.operations.handoff.queue import HandoffQueue
from insula.operations.store.database import open_database
from insula.operations.store.retention import Retention

LEASE = 1  # seconds
DEADLINE = 1
WORKERS = 3
FORK = multiprocessing.get_context("fork")  # a worker that imports everything again would be killed while it does
PAUSE = 0.02


@dataclass
class Journal:
    """Lines that workers append to one file, each by one call, so that no line is torn."""

    file: Path

    def write(self, **line: Any) -> None:
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, json.dumps(line).encode() + b"\n")
        os.close(handle)

    def read(self) -> list[dict[str, Any]]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [json.loads(line) for line in lines]


def _work(address: str, name: str, journal: Journal, seed: int) -> None:
    """Work until killed."""
    chosen = random.Random(seed)
    stream = name.split(".")[0]  # of a worker and those that follow it
    position = max((line["message"] for line in journal.read() if line.get("opened") == stream), default=-1) + 1
    queue: HandoffQueue | None = None
    while True:
        try:
            if queue is None:
                queue = HandoffQueue(open_database(address), Retention(1, mask=str))
            _step(queue, name, stream, position, journal, chosen)
            position += 1
        except StoreError:  # the database is away: the same message once more
            time.sleep(PAUSE)
        except CaseConflictError:  # the lease was over
            position += 1


def _step(queue: HandoffQueue, name: str, stream: str, position: int, journal: Journal, chosen: random.Random) -> None:
    message = f"{stream}-{position}"
    queue.open(NewCase(message=message, text="help", risk="concern", deadline=DEADLINE))
    journal.write(opened=stream, message=position)
    if chosen.random() < 0.1:
        queue.escalate()
    start = time.monotonic()
    case = queue.claim(name, lease=LEASE)
    if case is None:
        return
    journal.write(claimed=name, case=case.id, since=time.monotonic(), until=start + LEASE)
    time.sleep(chosen.uniform(0, PAUSE))
    done = chosen.choice(("close", "close", "release", "renew", "forget"))
    if done == "forget":
        return
    journal.write(done=name, case=case.id, at=time.monotonic())  # from here on the worker does not count on its lease
    if done == "close":
        queue.close(case.id, name, outcome="resolved")
        journal.write(closed=name, case=case.id)
    elif done == "release":
        queue.release(case.id, name)
    else:
        queue.renew(case.id, name, lease=LEASE)


@dataclass
class Workers:
    """Processes that work, each followed by another when it is killed."""

    address: str
    journal: Journal
    chosen: random.Random
    running: list[Any] = field(default_factory=list)
    started: int = 0

    def start(self, stream: int) -> None:
        self.started += 1
        name = f"w{stream}.{self.started}"
        process = FORK.Process(target=_work, args=(self.address, name, self.journal, self.chosen.random()))
        process.start()
        self.running.append((stream, process))

    def kill(self, place: int) -> int:
        """Kill the worker at a place of the list and return its stream."""
        stream, process = self.running.pop(place)
        os.kill(process.pid, signal.SIGKILL)
        process.join(30)
        return int(stream)


def _run(address: str, folder: Path, points: int, seed: int, server: PostgreSQL | None) -> Workers:
    """Kill at so many random points, then kill everything; the database is there again at the end."""
    open_database(address).close()  # the tables, before anybody is killed
    chosen = random.Random(seed)
    workers = Workers(address, Journal(folder / "journal"), chosen)
    for stream in range(WORKERS):
        workers.start(stream)
    for _ in range(points):
        time.sleep(chosen.uniform(0.01, 0.25))
        if server is not None and chosen.random() < 0.3:
            server.kill()
            time.sleep(chosen.uniform(0, 0.05))
            server.start()
        else:
            workers.start(workers.kill(chosen.randrange(WORKERS)))
    while workers.running:
        workers.kill(0)
    return workers


def _check(address: str, journal: Journal) -> Counter[str]:
    """Check what is in the database against what workers noted; return how often each event happened."""
    database = open_database(address)
    queue = HandoffQueue(database, Retention(1, mask=str))
    time.sleep(max(LEASE, DEADLINE))  # every lease and every deadline is over
    queue.escalate()
    assert queue.escalate() == type(queue.escalate())((), ())
    cases = queue.list_cases(states=("waiting", "claimed", "closed"), limit=1_000_000)
    lines = journal.read()

    stats = queue.stats()
    assert stats.opened == len(cases) == stats.closed + stats.waiting
    assert stats.claimed == 0
    messages = [case.message for case in cases]
    assert len(set(messages)) == len(messages)
    noted = {f"{line['opened']}-{line['message']}" for line in lines if "opened" in line}
    assert noted <= set(messages)
    assert len(messages) - len(noted) <= len(lines)  # opened, and killed before that was noted

    counts: Counter[str] = Counter()
    for case in cases:
        events = queue.events(case.id)
        counts.update(event.event for event in events)
        assert [event.version for event in events] == list(range(1, case.version + 1))
        assert _replay(events) == case.state
        due = case.opened + timedelta(seconds=events[0].facts["deadline"])
        in_time = case.state == "closed" and case.closed is not None and case.closed < due
        assert sum(event.event == "escalated" for event in events) == (not in_time), case
    closed = {(line["case"], line["closed"]) for line in lines if "closed" in line}
    assert closed <= {(case.id, case.agent) for case in cases if case.state == "closed"}
    _check_holders(lines)
    database.close()
    return counts


def _replay(events: Iterable[CaseEvent]) -> str:
    """Return the state that events lead to; fail where a case would be held by two agents, or act when closed."""
    state, agent = "", None
    for event in events:
        if event.event == "opened":
            assert state == ""
            state = "waiting"
        elif event.event == "claimed":
            assert state == "waiting", event
            state, agent = "claimed", event.actor
        elif event.event in ("renewed", "released", "closed"):
            assert (state, agent) == ("claimed", event.actor), event
            state = {"renewed": "claimed", "released": "waiting", "closed": "closed"}[event.event]
        elif event.event == "expired":
            assert (state, agent) == ("claimed", event.facts["agent"]), event
            state = "waiting"
        else:
            assert (event.event, state != "closed") == ("escalated", True), event
    return state


def _check_holders(lines: list[dict[str, Any]]) -> None:
    """Fail if two workers believed at the same moment that they hold a case."""
    held: dict[int, list[tuple[float, float, str]]] = defaultdict(list)
    for place, line in enumerate(lines):
        if "claimed" in line:
            ended = (
                later["at"]
                for later in lines[place:]
                if later.get("done") == line["claimed"] and later["case"] == line["case"]
            )
            until = min(line["until"], next(ended, line["until"]))
            held[line["case"]].append((line["since"], until, line["claimed"]))
    for spans in held.values():
        spans.sort()
        for (_, before, one), (since, _, other) in itertools.pairwise(spans):
            assert one == other or before <= since, spans


def _kill_and_check(address: str, folder: Path, points: int, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgresql") if "://" in address else None
    workers = _run(address, folder, points, seed=points, server=server)
    counts = _check(address, workers.journal)
    assert min(counts[event] for event in ("closed", "escalated", "expired")) > 0  # it was not idle


def test_ten_kills_lose_no_case(address: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    _kill_and_check(address, tmp_path, 10, request)


@pytest.mark.slow
def test_a_hundred_kills_lose_no_case(address: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    _kill_and_check(address, tmp_path, 100, request)
