"""Kills at random points of the hand-off queue: is a case lost, doubled, late unseen, or not notified?

    python benchmarks/handoff_faults.py                100 kills: `results/handoff_faults.json`
    python benchmarks/handoff_faults.py --kills 6

Customers send messages to `insula serve` until it has accepted them, agents claim, close, release, move and forget
cases over HTTP. A worker opens and handles cases in the same store without the service, and sends notifications like
the service. A bot answers each message that `/v1/route` does not call `handed_off`, and sends each acknowledgement that
it returns. The service, the worker and PostgreSQL are killed by SIGKILL at random moments and started again at once. In
the end every message that was accepted has one case, the receiver has heard of each event that it is subscribed to, and
the bot has answered or acknowledged no message after its hand-off, nor any other message of a customer whose case was
open, and acknowledged none twice.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import math
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OUTPUT = HERE / "results" / "handoff_faults.json"
sys.path.insert(0, str(HERE.parent / "tests"))

DEADLINE, LEASE = 3, 2  # seconds
TARGETS = ("service", "database", "worker")
TEXTS = (
    "Two hours on hold and nobody called back.",
    "Thank you, that was quick.",
    "That works now, thank you!",
    "Where is my order?",
    "等了三个星期。",
)
ROUTES = f"""
[[routes]]
name = "thanks"
words = ["thank you"]
ignore = true

[[routes]]
name = "all"
queue = "care"
deadline = "{DEADLINE}s"
acknowledge = true
"""
AGAIN = 0.2
"""The share of messages that come again, as from a queue that delivers at least once."""
LIMIT = 1200.0
"""Seconds after which a start or the last notification is not waited for any more."""
RECEIVER = "desk"


@dataclass(frozen=True)
class BotAnswer:
    """An automatic answer: to which message of which customer, and when the bot asked and was allowed to."""

    message: str
    subject: str
    asked: float
    allowed: float


def main(arguments: list[str]) -> int:
    """Kill and check; the exit status is 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    from insula.core.files import write_json
    from provenance import provenance

    found = run(given.kills, given.model, given.seed)
    write_json(given.output, {**found, "command": "python benchmarks/handoff_faults.py " + " ".join(arguments),
                              **provenance()})  # fmt: skip
    print(json.dumps(found, indent=1))
    return 0 if is_whole(found) else 1


def is_whole(found: dict[str, Any]) -> bool:
    """Whether nothing was lost, doubled or left unsaid."""
    wrong = (
        "messages_without_case", "messages_with_two", "late_unseen", "early_escalations", "claimed",
        "answers_after_hand_off", "acknowledged_twice", "acknowledged_after_hand_off", "notifications_missing",
        "notifications_of_nothing", "failed_deliveries",
    )  # fmt: skip
    return found["opened"] == found["closed"] + found["waiting"] and not any(found[name] for name in wrong)


def run(kills: int, model: str, seed: int) -> dict[str, Any]:
    """Kill so many times while everybody works; return what is in the store and what the receiver heard."""
    from debian_services import PostgreSQL
    from hook import Hook

    chosen = random.Random(seed)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="insula-faults-", dir="/tmp")))
        database = PostgreSQL()
        opened.callback(database.close)
        store = database.new_database("faults")
        hook = Hook()
        hook.open()
        opened.callback(hook.close)
        scene = Scene(folder, store, hook.url, model)
        opened.callback(scene.close)
        scene.start()
        killed: Counter[str] = Counter()
        with scene.at_work(chosen.random()):
            start = time.monotonic()
            for number in range(kills):
                time.sleep(chosen.uniform(0.05, 1.5))
                target = chosen.choice(TARGETS)
                if target == "database":
                    database.kill()
                    time.sleep(chosen.uniform(0, 0.3))
                    database.start()
                else:
                    scene.kill(target)
                killed[target] += 1
                print(f"kill {number + 1} of {kills}: {target}", flush=True)
            seconds = time.monotonic() - start
        scene.kill("worker", restart=False)
        time.sleep(DEADLINE + LEASE)
        scene.settle()
        found = check(store, hook, scene)
    return {"kills": kills, "killed": dict(killed), "seconds": round(seconds, 1), **found}


class Scene:
    """The service and the worker, each started again when it ends, and those who use the service."""

    def __init__(self, folder: Path, store: str, hook: str, model: str) -> None:
        from debian_services import free_port

        self.store, self.journal = store, folder / "journal"
        self.accepted: dict[str, float] = {}  # message that gets a case: when that was first confirmed
        self.subjects: dict[str, str] = {}
        self.answers: list[BotAnswer] = []
        self.acknowledged: list[BotAnswer] = []
        self.withheld = 0  # answers to messages that the rules put into no queue, and that people deal with
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        (folder / "routes.toml").write_text(ROUTES, encoding="utf-8")
        (folder / "serve.toml").write_text(
            f'models = ["{model}"]\nport = {port}\n[store]\naddress = "{store}"\n'
            f'[audit]\nfolder = "{folder / "audit"}"\n[pages]\nenabled = false\n'
            f'[handoff]\nroutes = "{folder / "routes.toml"}"\ncheck_seconds = 0.5\nexplain_ms = 0\n'
            f'[[receivers]]\nname = "{RECEIVER}"\nkind = "webhook"\nurl = "{hook}"\n',
            encoding="utf-8",
        )
        self._targets: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
            "service": (serve_queue, (str(folder / "serve.toml"),)),
            "worker": (work, (store, hook, str(self.journal))),
        }
        self._processes: dict[str, Any] = {}
        self._wanted = {"service"}
        # Processes that import everything again would spend most of the time, and most kills, on that.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["insula.serving.server", "insula.inference.predictor", "onnxruntime"])
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Start the service, and the worker once the receiver is subscribed: earlier cases are not notified."""
        self._watcher.start()
        wait_for(self._is_ready, "the service does not start")
        with self._mutex:
            self._wanted.add("worker")
        wait_for(lambda: "worker" in self._processes, "the worker does not start")

    def kill(self, name: str, *, restart: bool = True) -> None:
        """Kill a process that runs; the service only once it answers, else it would never work."""
        if name == "service":
            wait_for(self._is_ready, "the service does not start")
        with self._mutex:
            if not restart:
                self._wanted.discard(name)
            self._processes[name].kill()
            self._processes[name].join()

    def settle(self) -> None:
        """Wait until what is late is recorded, and every notification has arrived or is given up."""
        from insula.operations.handoff.queue import HandoffQueue
        from insula.operations.outbox.outbox import Outbox
        from insula.operations.store.database import open_database
        from insula.operations.store.retention import Retention

        wait_for(self._is_ready, "the service does not start")
        database = open_database(self.store)
        try:
            HandoffQueue(database, Retention(90)).escalate()
            wait_for(lambda: Outbox(database).count_by_state()["waiting"] == 0, "notifications still wait")
        finally:
            database.close()

    def close(self) -> None:
        """End both."""
        self._stop.set()
        self._watcher.join()
        for process in self._processes.values():
            process.kill()
            process.join()

    @contextmanager
    def at_work(self, seed: float) -> Iterator[None]:
        """Let customers and agents use the service meanwhile."""
        end = threading.Event()
        people: list[Callable[[threading.Event, float], None]] = [self._send, self._handle]
        threads = [threading.Thread(target=one, args=(end, seed)) for one in people]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            end.set()
            for thread in threads:
                thread.join()

    def _send(self, end: threading.Event, seed: float) -> None:
        """Send messages, each until it is accepted, and answer those that the bot may answer."""
        chosen, sent = random.Random(seed), list[tuple[str, str]]()
        while not end.is_set():
            if not sent or chosen.random() > AGAIN:
                sent.append((f"m-{len(sent)}", chosen.choice(TEXTS)))
                # Half of the messages are the first of their customer, as far as the mail goes.
                number = chosen.choice((3 * len(sent), chosen.randrange(len(sent))))
                self.subjects[f"mail {sent[-1][0]}"] = find_subject(number)
                message, text = sent[-1]
            else:
                message, text = chosen.choice(sent)
            name = f"mail {message}"
            body = {"source": "mail", "subject": self.subjects[name], "messages": [{"id": message, "text": text}]}
            asked = time.time()
            while (answer := self._ask("/v1/route", body)) is None:
                time.sleep(0.1)
                asked = time.time()
            (routed,) = answer["messages"]
            if routed["action"] == "queue":
                self.accepted.setdefault(name, time.time())
            elif routed["handed_off"]:
                self.withheld += 1
            sent_now = BotAnswer(name, self.subjects[name], asked, time.time())
            if not routed["handed_off"]:
                self.answers.append(sent_now)
            if routed["acknowledgement"] is not None:
                self.acknowledged.append(sent_now)
            time.sleep(chosen.uniform(0.05, 0.3))

    def _handle(self, end: threading.Event, seed: float) -> None:
        """Claim cases, and close, release, move or forget them; a step that fails is not repeated."""
        chosen = random.Random(seed + 1)
        while not end.is_set():
            answer = self._ask("/v1/queue/claim", {"agent": "ann", "lease": LEASE})
            case = (answer or {}).get("case")
            if case is not None:
                step = chosen.choice(("close", "close", "close", "release", "reassign", "forget"))
                fields = {"close": {"outcome": "solved"}, "reassign": {"queue": "billing"}, "release": {}}
                if step != "forget":
                    self._ask(f"/v1/queue/{case['id']}/{step}", {"agent": "ann", **fields[step]})
            time.sleep(chosen.uniform(0.2, 0.6))

    def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", data, {"content-type": "application/json"})
        with suppress(OSError, http.client.HTTPException), urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.load(answer))
        return None

    def _is_ready(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            urllib.request.urlopen(f"{self.address}/readyz", timeout=5).close()
            return True
        return False

    def _watch(self) -> None:
        """Start what is wanted and does not run, as a supervisor of services does."""
        while not self._stop.is_set():
            with self._mutex:
                for name in self._wanted:
                    process = self._processes.get(name)
                    if process is None or not process.is_alive():
                        target, given = self._targets[name]
                        self._processes[name] = self._context.Process(target=target, args=given)
                        self._processes[name].start()
            time.sleep(0.05)


def serve_queue(config: str) -> None:
    """Serve as `insula serve --config CONFIG` does; end if the database is away, as a command does."""
    from insula.core.errors import InsulaError
    from insula.serving.server import serve
    from insula.serving.settings.settings import load_settings

    logging.disable(logging.CRITICAL)  # each kill would fill the screen
    with suppress(InsulaError):
        serve(load_settings(config, environment={}), lambda address: None)


def find_subject(number: int) -> str:
    """Return the customer of the message with a number, in the mail or of the worker: each has a few."""
    return f"customer-{number // 3}"


def work(store: str, url: str, journal: str) -> None:
    """Open and handle cases in the store, and send notifications, until killed."""
    import functools

    from insula.core.errors import CaseConflictError, StoreError
    from insula.operations.handoff.cases import NewCase
    from insula.operations.handoff.notified_words import add_words
    from insula.operations.handoff.queue import HandoffQueue
    from insula.operations.outbox.dispatcher import Dispatcher
    from insula.operations.outbox.receivers import Receiver
    from insula.operations.store.database import open_database
    from insula.operations.store.retention import Retention

    chosen, file = random.Random(), Path(journal)
    position = len(file.read_bytes().splitlines()) if file.exists() else 0
    while True:
        try:
            database = open_database(store)
            break
        except StoreError:
            time.sleep(0.1)
    queue = HandoffQueue(database, Retention(90, mask=str))
    receiver = Receiver(name=RECEIVER, kind="webhook", url=url)
    with Dispatcher(database, [receiver], prepare=functools.partial(add_words, database)):
        while True:
            with suppress(StoreError, CaseConflictError):
                message, subject = f"w-{position}", find_subject(position)
                queue.open(NewCase(message=message, source="worker", text="help", deadline=DEADLINE, subject=subject))
                handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                os.write(handle, f"worker {message}\t{time.time()}\n".encode())
                os.close(handle)
                position += 1
                case = queue.claim("worker", lease=LEASE)
                step = chosen.choice(("close", "close", "release", "move", "reopen", "forget"))
                if case is None or step == "forget":
                    continue
                if step == "release":
                    queue.release(case.id, "worker")
                elif step == "move":
                    queue.reassign(case.id, actor="worker", agent="ben", lease=LEASE)
                else:
                    queue.close(case.id, "worker", outcome="solved")
                    if step == "reopen":
                        queue.reopen(case.id, "worker", deadline=DEADLINE)
            time.sleep(chosen.uniform(0.2, 0.6))


def check(store: str, hook: Any, scene: Scene) -> dict[str, Any]:
    """Return what is in the store, and what the receiver heard of it."""
    from insula.operations.handoff.notifications import NOTIFIED
    from insula.operations.handoff.queue import HandoffQueue
    from insula.operations.outbox.outbox import Outbox
    from insula.operations.store.database import open_database
    from insula.operations.store.retention import Retention

    database = open_database(store)
    queue = HandoffQueue(database, Retention(90, mask=str))
    cases = queue.list_cases(states=("waiting", "claimed", "closed"), limit=10_000_000)
    stats = queue.stats()
    accepted = scene.accepted | dict(read_journal(scene.journal))
    held = Counter(f"{case.source} {case.message}" for case in cases)
    expected: dict[str, datetime] = {}
    spans: dict[str, tuple[str, float, float]] = {}
    unseen = early = events = 0
    for case in cases:
        trail = queue.events(case.id)
        events += len(trail)
        name = f"{case.source} {case.message}"
        if name in accepted:
            number = int(case.message.partition("-")[2])
            subject = scene.subjects[name] if name in scene.subjects else find_subject(number)
            closed = next((one.time.timestamp() for one in trail if one.event == "closed"), math.inf)
            spans[name] = (subject, accepted[name], closed)
        expected |= {f"case {case.id}.{one.version}": one.time for one in trail if one.event in NOTIFIED}
        for is_late, escalations in iterate_rounds(trail):
            unseen += is_late and escalations != 1
            early += not is_late and escalations > 0
    heard = [json.loads(body) for _, body in hook.received]
    keys = Counter(one["key"] for one in heard)
    failed = Outbox(database).count_by_state()["failed"]
    database.close()
    return {
        "messages_accepted": len(accepted), "opened": stats.opened, "closed": stats.closed, "waiting": stats.waiting,
        "claimed": stats.claimed, "events": events, "escalations": stats.escalations,
        "expired_leases": stats.expired_leases,
        "messages_without_case": len(set(accepted) - set(held)),
        "messages_with_two": sum(count > 1 for count in held.values()),
        "automatic_answers": len(scene.answers), "withheld_answers": scene.withheld,
        "answers_after_hand_off": count_answers_after_hand_off(scene.answers, spans),
        "acknowledged": len(scene.acknowledged),
        "acknowledged_twice": len(scene.acknowledged) - len({one.message for one in scene.acknowledged}),
        "acknowledged_after_hand_off": count_answers_after_hand_off(scene.acknowledged, spans),
        "late_unseen": unseen, "early_escalations": early,
        "notifications": len(expected), "notifications_missing": len(set(expected) - set(keys)),
        "missing": sorted(set(expected) - set(keys))[:20],
        "notifications_of_nothing": len(set(keys) - set(expected)),
        "notifications_repeated": sum(keys.values()) - len(keys), "failed_deliveries": failed,
        "notified_share": len(set(expected) & set(keys)) / max(1, len(expected)),
        **describe_delays(expected, hook.arrived),
    }  # fmt: skip


def read_journal(file: Path) -> Iterator[tuple[str, float]]:
    """Yield the messages of the worker's cases, and when the store had confirmed each."""
    for line in file.read_text(encoding="utf-8").split("\n")[:-1]:
        message, _, moment = line.partition("\t")
        yield message, float(moment)


def count_answers_after_hand_off(answers: Sequence[BotAnswer], cases: Mapping[str, tuple[str, float, float]]) -> int:
    """Return how many automatic answers the bot gave although people had the message, or a case of its customer.

    cases  by message: the customer, when its opening was confirmed, and when it was first closed (infinite: never)

    A case that opens or closes while the bot asks is none: both answers are right.
    """
    wrong = 0
    for one in answers:
        own = cases.get(one.message)
        is_own = own is not None and own[1] < one.asked
        wrong += is_own or any(
            subject == one.subject and opened < one.asked and one.allowed < closed
            for subject, opened, closed in cases.values()
        )
    return wrong


def iterate_rounds(trail: Any) -> Iterator[tuple[bool, int]]:
    """Yield for each time that a case was opened: whether it became late, and how often that was recorded."""
    due, escalations, is_late = trail[0].time + timedelta(seconds=DEADLINE), 0, True
    for event in trail:
        if event.event == "escalated":
            escalations += 1
        elif event.event == "closed":
            is_late = event.time >= due
        elif event.event == "reopened":
            yield is_late, escalations
            due, escalations, is_late = event.time + timedelta(seconds=DEADLINE), 0, True
    yield is_late, escalations


def describe_delays(expected: dict[str, datetime], arrived: dict[str, float]) -> dict[str, float | None]:
    """Return the median and the longest time from an event to its arrival."""
    delays = [arrived[key] - moment.timestamp() for key, moment in expected.items() if key in arrived]
    if not delays:
        return {"median_delay_seconds": None, "longest_delay_seconds": None}
    return {"median_delay_seconds": round(statistics.median(delays), 3), "longest_delay_seconds": round(max(delays), 1)}


def wait_for(condition: Callable[[], bool], problem: str) -> None:
    """Return once a condition holds; raise `TimeoutError` after `LIMIT` seconds."""
    until = time.monotonic() + LIMIT
    while True:
        with suppress(Exception):  # the database may be away
            if condition():
                return
        if time.monotonic() > until:
            raise TimeoutError(f"After {LIMIT:g} seconds: {problem}.")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
