"""A load on an HTTP service, from a process of its own.

    python benchmarks/load.py TASK.json      writes what it saw beside it, as ANSWER.json

The task says where, what and how fast:

    address, path     the service
    bodies            JSON bodies, sent in turn
    headers           further headers
    rate              requests a second, with exponential gaps (Poisson) from a seed, whatever the service does: an open
                      loop; a latency counts from when a request was due, so that a service that stalls is not spared
    connections       without a rate: so many clients, each of which sends as soon as it is answered (a closed loop)
    seconds           for how long; what was begun is waited for

The client speaks HTTP/1.1 over kept connections in a few lines, for the libraries take longer than a small model.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 60.0
Seen = list[tuple[int, float, float]]  # status, latency in seconds, when it was due


class Connections:
    """Connections to one service, opened as they are needed and kept."""

    def __init__(self, task: dict[str, Any]) -> None:
        parts = urlsplit(task["address"])
        self._host, self._port = parts.hostname, parts.port
        self._head = "".join(
            f"{name}: {value}\r\n"
            for name, value in {
                "host": parts.netloc,
                "content-type": "application/json",
                **task.get("headers", {}),
            }.items()
        )
        self._path = task["path"]
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, body: bytes) -> int:
        """Send a body and return the status; 0 where the connection broke or nothing came."""
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        head = f"POST {self._path} HTTP/1.1\r\n{self._head}content-length: {len(body)}\r\n\r\n"
        try:
            async with asyncio.timeout(TIMEOUT):
                writer.write(head.encode() + body)
                answer = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(answer.partition(b"content-length:")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            writer.close()
            return 0
        if b"connection: close" in answer:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(answer[9:12])

    def close(self) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()


async def _open_loop(task: dict[str, Any], connections: Connections, bodies: list[bytes]) -> Seen:
    draw, seen = random.Random(task["seed"]), Seen()
    began = time.perf_counter()

    async def send(number: int, due: float) -> None:
        status = await connections.post(bodies[number % len(bodies)])
        seen.append((status, time.perf_counter() - began - due, due))

    due, number = 0.0, 0
    async with asyncio.TaskGroup() as group:
        while (due := due + draw.expovariate(task["rate"])) < task["seconds"]:
            pause = began + due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            group.create_task(send(number, due))
            number += 1
    return seen


async def _closed_loop(task: dict[str, Any], connections: Connections, bodies: list[bytes]) -> Seen:
    seen, began = Seen(), time.perf_counter()

    async def client(number: int) -> None:
        while (due := time.perf_counter() - began) < task["seconds"]:
            status = await connections.post(bodies[number % len(bodies)])
            seen.append((status, time.perf_counter() - began - due, due))
            number += task["connections"]

    async with asyncio.TaskGroup() as group:
        for number in range(task["connections"]):
            group.create_task(client(number))
    return seen


async def _load(task: dict[str, Any]) -> dict[str, Any]:
    connections = Connections(task)
    bodies = [json.dumps(body, ensure_ascii=False).encode() for body in task["bodies"]]
    began = time.perf_counter()
    try:
        seen = await (_open_loop if task.get("rate") else _closed_loop)(task, connections, bodies)
    finally:
        connections.close()
    good = sorted(latency for status, latency, _ in seen if status == 200)
    return {
        "sent": len(seen),
        "seconds": time.perf_counter() - began,
        "statuses": {str(status): count for status, count in sorted(Counter(one[0] for one in seen).items())},
        "p50_ms": _quantile(good, 0.5),
        "p99_ms": _quantile(good, 0.99),
        "longest_ms": _quantile(good, 1.0),
    }


def _quantile(ordered: list[float], share: float) -> float | None:
    """Return the nearest-rank quantile in milliseconds; None where nothing was answered."""
    return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def main(arguments: list[str]) -> int:
    """Load, write, and return the exit status."""
    place = Path(arguments[0])
    answer = asyncio.run(_load(json.loads(place.read_text(encoding="utf-8"))))
    place.with_name("answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
