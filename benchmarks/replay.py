"""A million messages through a monitor: messages per second beside bulk, and what kills lose: `results/replay.json`.

    python benchmarks/replay.py --model RUN --messages 1000000

The texts of the shared sets are repeated with new ids. The same messages are predicted in bulk from a file, monitored
from a file, and monitored from Redis (append-only file, fsync always) into PostgreSQL, where the monitor, Redis and
PostgreSQL are killed three times each. Every message must be in one window, once.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OUTPUT = HERE / "results" / "replay.json"
SETS = ("goemotions", "sst2", "smp2020_usual")
KILLS = 3
PATIENCE = 300.0


def main(arguments: list[str]) -> int:
    """Replay and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="starter")
    parser.add_argument("--name", default="starter", help="What tables call the model.")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    from insula.core.files import write_json
    from provenance import provenance

    cells = json.loads(given.output.read_text())["cells"] if given.output.exists() else {}
    with tempfile.TemporaryDirectory(prefix="insula-replay-", dir="/tmp") as folder:
        feed = Path(folder) / "feed.jsonl"
        write_feed(feed, given.messages)
        bulk, _ = timed(["predict", "-i", str(feed), "-o", f"{folder}/out.jsonl", "-m", given.model, "--quiet"])
        command = ["monitor", "-s", str(feed), "-m", given.model, "--store", f"{folder}/data", "--quiet"]
        seconds, peak = timed(command)
        cells[f"{given.name}, file"] = {
            "messages": given.messages, "per_second": given.messages / seconds, "bulk": given.messages / bulk,
            "share_of_bulk": bulk / seconds, "peak_mebibytes": peak, **checked(f"{folder}/data", given.messages),
        }  # fmt: skip
        cells[f"{given.name}, Redis and PostgreSQL, with kills"] = killed(feed, given.messages, given.model)
    command_line = "python benchmarks/replay.py " + " ".join(arguments)
    write_json(given.output, {"cells": cells, "command": command_line, **provenance()})
    print(json.dumps(cells, indent=1))
    return 1 if any(cell["missing"] or cell["twice"] for cell in cells.values()) else 0


def write_feed(feed: Path, count: int) -> None:
    """Write messages, ten a second, with new ids."""
    from insula.data.load import load_dataset
    from sets import READY

    rows: list[tuple[str, str]] = []
    for name in SETS:
        for part in load_dataset(str(READY / name), seed=0).splits.values():
            rows += [(row.text, name) for row in part]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with feed.open("w", encoding="utf-8") as file:
        for number, (text, topic) in enumerate(itertools.islice(itertools.cycle(rows), count)):
            moment = (start + timedelta(seconds=number / 10)).isoformat()
            row = {"id": f"m{number}", "text": text, "time": moment, "topic": topic}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def timed(arguments: list[str]) -> tuple[float, float]:
    """Return the seconds of a command, and its largest memory in mebibytes."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "insula", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"insula {' '.join(arguments)} ended with status {process.returncode}.")
    return time.perf_counter() - start, round(usage.ru_maxrss / 1024, 1)


def checked(store: str, count: int) -> dict[str, int]:
    """Return how many messages are nowhere, how many are counted twice, and how many came late or again."""
    from insula.api.monitoring import list_streams, read_trend

    counts = list_streams(store)[0].counts
    in_windows = sum(point.messages for point in read_trend(store, last=1_000_000).points)
    accounted = counts["counted"] + counts.get("late", 0) + counts.get("rejected", 0)
    return {
        "missing": max(0, count - accounted),
        "twice": max(0, accounted - count) + abs(in_windows - counts["counted"]),
        **{kind: counts.get(kind, 0) for kind in ("late", "rejected", "repeated")},
    }


def killed(feed: Path, count: int, model: str) -> dict[str, Any]:
    """Replay through Redis into PostgreSQL, and kill the monitor and both servers again and again."""
    import redis

    sys.path.insert(0, str(HERE.parent / "tests"))
    from debian_services import PostgreSQL, Redis

    servers = (Redis(durable=True), PostgreSQL())
    broker, database = servers
    store = database.new_database("replay")
    command = [sys.executable, "-m", "insula", "monitor", "-s", f"redis://127.0.0.1:{broker.port}/messages?idle=1s"]
    command += ["-m", model, "--store", store, "--follow", "--quiet"]
    start = time.perf_counter()
    process = subprocess.Popen(command)
    sender = threading.Thread(target=send, args=(feed, broker.address, redis))
    sender.start()
    try:
        for place in range(3 * KILLS):
            wait_for(store, count * (place + 1) // (3 * KILLS + 2))
            if place % 3 == 0:
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = subprocess.Popen(command)
            else:
                servers[place % 3 - 1].kill()
                servers[place % 3 - 1].start()
        sender.join()
        wait_for(store, count)
        seconds = time.perf_counter() - start
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        kills = 3 * KILLS
        return {"messages": count, "per_second": count / seconds, "kills": kills, **checked(store, count)}
    finally:
        process.kill()
        for server in servers:
            server.close()


def send(feed: Path, address: str, redis: Any) -> None:
    """Add every message to the stream, again while Redis is away; an id that comes twice is counted once."""
    client = redis.Redis.from_url(address)
    with feed.open(encoding="utf-8") as file:
        lines: Iterator[str] = iter(file)
        while some := list(itertools.islice(lines, 1000)):
            while True:
                try:
                    with client.pipeline(transaction=False) as pipeline:
                        for line in some:
                            pipeline.xadd("messages", {"json": line.strip()})
                        pipeline.execute()
                    break
                except redis.RedisError:
                    time.sleep(0.2)


def wait_for(store: str, count: int) -> None:
    """Wait until so many messages are counted; raise `TimeoutError` if nothing is counted for `PATIENCE` seconds."""
    from insula.api.monitoring import list_streams
    from insula.core.errors import StoreError

    known, until = 0, time.monotonic() + PATIENCE
    while known < count:
        if time.monotonic() > until:
            raise TimeoutError(f"{known:,} of {count:,} messages are counted, and none for {PATIENCE:g} seconds.")
        with contextlib.suppress(StoreError):
            streams = list_streams(store)
            counts = streams[0].counts if streams else {}
            found = sum(counts.get(kind, 0) for kind in ("counted", "late", "rejected"))
            if found > known:
                known, until = found, time.monotonic() + PATIENCE
        time.sleep(0.5)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main(sys.argv[1:]))
