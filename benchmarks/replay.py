"""A million messages through a monitor: messages per second beside bulk, and what kills lose: `results/replay.json`.

    python benchmarks/replay.py --model RUN --name static
    python benchmarks/replay.py --model RUN --name "MiniLM, INT8" --messages 50000 --only file

The texts of the shared sets are repeated with new ids. The same messages are predicted in bulk from a file, monitored
from the file into SQLite, and monitored from Redis (append-only file, fsync always) into PostgreSQL, where the monitor,
Redis and PostgreSQL are killed three times each. Every message must be in one window, once, and the windows of the run
with kills must be those of the run without. Times count from the start of a command to its end.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OUTPUT = HERE / "results" / "replay.json"
SETS = ("goemotions", "sst2", "smp2020_usual")
PER_SECOND = 10  # messages, by their times
KILLS = 3
"""Of each of the monitor, the broker and the database."""
PATIENCE = 120.0
"""Seconds without progress after which the rest counts as missing."""
LOOK_SECONDS = 0.5
AHEAD = 50_000
"""Messages that the sender may be ahead of the store: it still sends at the last kill, and is never waited for."""


def main(arguments: list[str]) -> int:
    """Replay and write the result file; the exit status is 1 if a message was lost or counted twice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="starter")
    parser.add_argument("--name", default="starter", help="What tables call the model.")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("file", "broker"), help="One of the two streams (default: both).")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    from insula.core.files import write_json
    from provenance import provenance

    cells = json.loads(given.output.read_text(encoding="utf-8"))["cells"] if given.output.exists() else {}
    measured = {}
    with tempfile.TemporaryDirectory(prefix="insula-replay-", dir="/tmp") as folder:
        feed = Path(folder) / "feed.jsonl"
        write_feed(feed, given.messages)
        if given.only != "broker":
            measured["file"] = replay_file(feed, given.messages, given.model, Path(folder))
        if given.only != "file":
            measured["Redis to PostgreSQL, with kills"] = replay_broker(feed, given.messages, given.model)
    windows = [cell.pop("windows") for cell in measured.values()]
    for cell in measured.values():
        # A run is compared with that of the other stream.
        cell["windows_differ"] = count_differences(*windows) if len(windows) == 2 else None
    command = shlex.join(["python", "benchmarks/replay.py", *arguments])
    made = {"command": command, **provenance()}
    cells |= {f"{given.name}, {stream}": {**cell, **made} for stream, cell in measured.items()}
    write_json(given.output, {"cells": cells})
    print(json.dumps(cells, indent=1))
    return 1 if any(cell[kind] for cell in measured.values() for kind in ("missing", "twice", "windows_differ")) else 0


def write_feed(feed: Path, count: int) -> None:
    """Write messages with new ids, whose times end an hour ago."""
    from insula.data.load import load_dataset
    from sets import READY

    rows: list[tuple[str, str]] = []
    for name in SETS:
        for part in load_dataset(str(READY / name), seed=0).splits.values():
            rows += [(row.text, name) for row in part]
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1, seconds=count / PER_SECOND)
    with feed.open("w", encoding="utf-8") as file:
        for number, (text, topic) in enumerate(itertools.islice(itertools.cycle(rows), count)):
            moment = (start + timedelta(seconds=number / PER_SECOND)).isoformat()
            row = {"id": f"m{number}", "text": text, "time": moment, "topic": topic}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def replay_file(feed: Path, count: int, model: str, folder: Path) -> dict[str, Any]:
    """Predict the messages in bulk, then monitor them from the same file."""
    bulk = run(["predict", "-i", str(feed), "-o", str(folder / "out.jsonl"), "-m", model, "--quiet"])
    store = str(folder / "data")
    found = run([*monitor(str(feed), model, store), "--quiet"])
    return {
        "messages": count, "per_second": count / found.seconds, "bulk": count / bulk.seconds,
        "share_of_bulk": bulk.seconds / found.seconds,
        "share_of_bulk_by_processor": bulk.processor_seconds / found.processor_seconds,
        "early_mebibytes": found.early, "peak_mebibytes": found.peak, "kills": 0, **check(store, count),
    }  # fmt: skip


def monitor(stream: str, model: str, store: str) -> list[str]:
    """Return the arguments of a monitor."""
    return ["monitor", "-s", stream, "-m", model, "--store", store, "--by", "topic"]


@dataclass(frozen=True)
class Cost:
    """The cost of a command: its seconds, those that processors worked for it, and its memory in mebibytes.

    early  the largest memory in the first tenth of the time; `peak` in all of it
    """

    seconds: float
    processor_seconds: float
    early: float
    peak: float


def run(arguments: Sequence[str]) -> Cost:
    """Run a command to its end. On a busy machine, only the seconds of processors can be compared."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "insula", *arguments], stdout=subprocess.DEVNULL)
    sizes: list[float] = []
    ended = threading.Event()
    watcher = threading.Thread(target=watch_memory, args=(process.pid, sizes, ended))
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"insula {shlex.join(arguments)} ended with status {process.returncode}.")
    early = max(sizes[: max(1, len(sizes) // 10)], default=0.0)
    worked = usage.ru_utime + usage.ru_stime
    return Cost(seconds, worked, round(early, 1), round(usage.ru_maxrss / 1024, 1))


def watch_memory(process: int, sizes: list[float], ended: threading.Event) -> None:
    """Add the memory of a process, in mebibytes, twice a second."""
    page = os.sysconf("SC_PAGE_SIZE")
    while not ended.wait(LOOK_SECONDS):
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
            sizes.append(pages * page / 2**20)


def check(store: str, count: int) -> dict[str, Any]:
    """Return how many messages the store does not have, how many it counts twice, and the messages of each window."""
    import sqlalchemy as sa

    from insula.operations.monitoring.trend import list_streams, read_trend
    from insula.operations.store.database import open_database
    from insula.operations.store.tables import STREAM_MESSAGES

    database = open_database(store)
    try:
        counts = list_streams(database)[0].counts
        points = read_trend(database, by=("topic",), last=count).points
        with database.begin_read() as connection:
            ids = set(connection.execute(sa.select(STREAM_MESSAGES.c.id)).scalars())
    finally:
        database.close()
    wanted = {f"m{number}" for number in range(count)}
    # What was counted, what came late, and what is no message: each is reported once.
    told = counts["counted"] + counts.get("late", 0) + counts.get("rejected", 0)
    in_windows = sum(point.messages for point in points)
    return {
        "missing": len(wanted - ids) - counts.get("rejected", 0) + max(0, count - told),
        "twice": max(0, told - count) + abs(in_windows - counts["counted"]),
        **{kind: counts.get(kind, 0) for kind in ("counted", "late", "rejected", "repeated")},
        "windows": {f"{point.start:%F %T} {point.attributes['topic']}": point.messages for point in points},
    }


def count_differences(a: dict[str, int], b: dict[str, int]) -> int:
    """Return in how many windows the numbers of messages differ."""
    return sum(a.get(name) != b.get(name) for name in a.keys() | b.keys())


def replay_broker(feed: Path, count: int, model: str) -> dict[str, Any]:
    """Monitor from Redis into PostgreSQL, and kill the monitor and both servers again and again."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    from debian_services import PostgreSQL, Redis
    from insula.operations.store.database import open_database

    chosen, kills = random.Random(0), 3 * KILLS
    with contextlib.ExitStack() as opened:
        broker, server = Redis(durable=True), PostgreSQL(durable=True)
        opened.callback(broker.close)
        opened.callback(server.close)
        store = server.new_database("replay")
        database = open_database(store)
        opened.callback(database.close)
        stream = f"redis://127.0.0.1:{broker.port}/messages?idle=1s"
        command = [sys.executable, "-m", "insula", *monitor(stream, model, store), "--follow", "--quiet"]
        ended, known = threading.Event(), Known(database)
        sender = threading.Thread(target=send, args=(feed, broker.address, known, ended))
        start = time.perf_counter()
        sender.start()
        opened.callback(sender.join)
        opened.callback(ended.set)
        process = subprocess.Popen(command)
        opened.callback(lambda: process.kill())
        for place in range(kills):
            known.wait_for(count * (place + 1) // (kills + 2))
            time.sleep(chosen.uniform(0, 1))
            if place % 3 == 0:
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = subprocess.Popen(command)
            else:
                killed = (broker, server)[place % 3 - 1]
                killed.kill()
                killed.start()
            print(f"kill {place + 1} of {kills}", file=sys.stderr, flush=True)
        known.wait_for(count)
        seconds = time.perf_counter() - start
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        return {"messages": count, "per_second": count / seconds, "kills": kills, **check(store, count)}


class Known:
    """The number of messages that the store knows, as of the last look at it."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.messages = 0

    def wait_for(self, count: int) -> None:
        """Look until the store knows so many messages, or has learned of no further one for `PATIENCE` seconds."""
        from insula.core.errors import StoreError
        from insula.operations.monitoring.trend import list_streams

        until = time.monotonic() + PATIENCE
        while self.messages < count and time.monotonic() < until:
            with contextlib.suppress(StoreError):
                streams = list_streams(self._database)
                counts = streams[0].counts if streams else {}
                found = sum(counts.get(kind, 0) for kind in ("counted", "late", "rejected"))
                if found > self.messages:
                    self.messages, until = found, time.monotonic() + PATIENCE
            time.sleep(LOOK_SECONDS)


def send(feed: Path, address: str, known: Known, ended: threading.Event) -> None:
    """Add every message to the stream, again while Redis is away: a message that it has twice is counted once."""
    import redis

    client, sent = redis.Redis.from_url(address), 0
    with feed.open(encoding="utf-8") as file:
        while some := list(itertools.islice(file, 1000)):
            while sent > known.messages + AHEAD and not ended.wait(LOOK_SECONDS / 5):
                pass
            while not ended.is_set():
                try:
                    with client.pipeline(transaction=False) as pipeline:
                        for line in some:
                            pipeline.xadd("messages", {"json": line.strip()})
                        pipeline.execute()
                    break
                except redis.RedisError:
                    time.sleep(0.2)
            sent += len(some)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main(sys.argv[1:]))
