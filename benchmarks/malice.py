"""Memory of a server under attack, as a ratio to its idle size, and how long SIGTERM takes: `results/malice.json`.

    python benchmarks/malice.py
    python benchmarks/malice.py --model runs/care --output /tmp/try.json

A server of its own for each attack, warmed up; its resident memory is read every few milliseconds from the start of the
attack until it is over. The target is a peak below 1.5 times the idle size.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2

HERE = Path(__file__).parent
OUTPUT = HERE / "results" / "malice.json"
SECONDS_BETWEEN_LOOKS = 0.02
DRAIN_SECONDS = 8
CSV, JSONL, JSON = "text/csv", "application/x-ndjson", "application/json"
WARM_UP = {"texts": ["Two hours on hold and nobody called back.", "so happy " * 500] * 50}


class Server:
    """A server in a process of its own, and an attacker's connections to it."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address
        self.port = int(address.rsplit(":", 1)[1])
        self.sockets = contextlib.ExitStack()

    def post(self, path: str, content: Any, kind: str = JSON, timeout: float = 600) -> int:
        """Send a body and return the status, 0 if the server cut the connection."""
        try:
            return httpx2.post(
                f"{self.address}{path}", content=content, headers={"content-type": kind}, timeout=timeout
            ).status_code
        except httpx2.TransportError:
            return 0

    def job(self, content: Any, kind: str) -> str:
        """Upload a file, and return how its job ends."""
        made = httpx2.post(f"{self.address}/v1/batches", content=content, headers={"content-type": kind}, timeout=600)
        if made.status_code != 202:
            return str(made.status_code)
        while True:
            state = httpx2.get(f"{self.address}/v1/batches/{made.json()['id']}", timeout=60).json()
            if state["status"] in ("done", "failed"):
                return f"{state['status']}: {state['detail'] or state['rows']}"
            time.sleep(0.2)

    def open(self, data: bytes = b"") -> socket.socket:
        """Open a connection, and send what it takes."""
        connection = self.sockets.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with contextlib.suppress(OSError):
            connection.connect(("127.0.0.1", self.port))
            connection.settimeout(0.5)
            connection.sendall(data)
        return connection

    def memory(self) -> float:
        """Return the resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0


@contextlib.contextmanager
def serving(model: str | None, **settings: Any) -> Iterator[Server]:
    """Start a server with settings such as `drain_seconds`, warm it up, and end it."""
    environment = {f"INSULA_SERVE_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "insula", "serve", "--port", "0", *(["-m", model] if model else [])]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, **environment}
        )
        assert process.stdout is not None
        server = Server(process, process.stdout.readline().split()[2])
        try:
            for _ in range(5):
                assert server.post("/v1/predict", json.dumps(WARM_UP)) == 200
                server.job("text\n" + "so happy\n" * 5_000, CSV)
            yield server
        finally:
            server.sockets.close()
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()
            process.communicate()


def packed_upload(server: Server) -> str:
    """A gzipped file that unpacks to more than two gigabytes."""
    block = gzip.compress(b"text\n" + b"a" * 5_000_000)
    return server.job(block * 500, CSV)


def line_without_an_end(server: Server) -> str:
    """A file of 150 MB in a single line."""
    return server.job(b"text\n" + b"a" * 150_000_000, CSV)


def countless_columns(server: Server) -> str:
    """A file in which each row has new columns."""
    rows = (json.dumps({"text": "a", **{f"{row}-{one}": 1 for one in range(100)}}) + "\n" for row in range(50_000))
    return server.job("".join(rows), JSONL)


def open_quotes(server: Server) -> str:
    """A file in which each line opens a quote and never closes it."""
    return server.job("text,other\n" + '"a,b\n' * 2_000_000, CSV)


def long_rows(server: Server) -> str:
    """A file with rows of 100 kB and texts of the maximum length."""
    row = json.dumps({"text": "so happy " * 2_200, "more": "b" * 80_000}) + "\n"
    return server.job(row * 1_500, JSONL)


def json_in_disguise(server: Server) -> str:
    """A JSON body with a Content-Type spelled like that of an upload."""
    return str(server.post("/v1/batches", b'{"path": "' + b"a" * 150_000_000, "application/json ;"))


def slow_bodies(server: Server) -> str:
    """300 bodies of 2 MB whose last byte never arrives."""
    head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    body = b'{"texts": ["' + b"a" * 1_900_000
    for _ in range(300):
        server.open(f"{head}Content-Length: 1999999\r\n\r\n".encode() + body)
    return str(server.post("/v1/predict", json.dumps({"texts": ["a" * 10_000] * 100})))


def largest_requests(server: Server) -> str:
    """Requests of the maximum size with the characters that take the most memory, 16 at a time."""
    body = json.dumps({"texts": ["a" * 19_000 + "\U0001f600"] * 100}, ensure_ascii=False).encode()
    return _at_once(16, lambda: server.post("/v1/predict", body))


def streams_that_never_read(server: Server) -> str:
    """40 streams whose clients send but never read."""
    handshake = (
        "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode("ascii")
    payload = json.dumps({"id": "a" * 200, "text": "so happy " * 2_000, "outputs": ["scores", "levels"]}).encode()
    frame = b"\x81\xfe" + len(payload).to_bytes(2, "big") + b"\0\0\0\0" + payload
    for _ in range(40):
        connection = server.open(handshake)
        with contextlib.suppress(OSError):
            connection.recv(1024)
            for _ in range(200):
                connection.sendall(frame)
    return "open"


def answers_that_nobody_reads(server: Server) -> str:
    """200 connections that request large answers and never read."""
    for _ in range(200):
        server.open(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
    return "open"


def connections(server: Server) -> str:
    """More connections than the service allows."""
    for _ in range(2_500):
        server.open(b"GET / HT")
    return "open"


def malformed_requests(server: Server) -> str:
    """Deeply nested and broken JSON, 16 at a time."""
    return _at_once(16, lambda: server.post("/v1/predict", b'{"texts":' * 200_000))


ATTACKS: tuple[Callable[[Server], str], ...] = (
    packed_upload,
    line_without_an_end,
    countless_columns,
    open_quotes,
    long_rows,
    json_in_disguise,
    slow_bodies,
    largest_requests,
    streams_that_never_read,
    answers_that_nobody_reads,
    connections,
    malformed_requests,
)


def _at_once(count: int, call: Callable[[], int]) -> str:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(call())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ", ".join(map(str, sorted(found)))


def measure(model: str | None, attack: Callable[[Server], str]) -> dict[str, Any]:
    """Return idle and peak memory in MiB, their ratio, and how the attack ended."""
    with serving(model) as server:
        idle = peak = server.memory()
        over = threading.Event()

        def look() -> None:
            nonlocal peak
            while not over.is_set():
                peak = max(peak, server.memory())
                time.sleep(SECONDS_BETWEEN_LOOKS)

        watching = threading.Thread(target=look)
        watching.start()
        started = time.monotonic()
        try:
            end = attack(server)
            time.sleep(1)
        finally:
            over.set()
            watching.join()
        server.sockets.close()
        answers, until = 0, time.monotonic() + 60
        while answers != 200 and time.monotonic() < until:  # what was accepted is computed first
            answers = server.post("/v1/predict", json.dumps({"texts": ["happy"]}), timeout=60)
            time.sleep(0.2)
        found = {
            "what": (attack.__doc__ or "").strip(),
            "idle": round(idle, 1),
            "peak": round(peak, 1),
            "ratio": round(peak / idle, 2),
            "end": end,
            "seconds": round(time.monotonic() - started, 1),
            "answers_afterwards": answers,
        }
        print(attack.__name__, found, flush=True)
        return found


def stop(model: str | None) -> dict[str, Any]:
    """Return how many seconds SIGTERM takes with forty clients that never read."""
    with serving(model, drain_seconds=DRAIN_SECONDS, notice_seconds=0) as server:
        streams_that_never_read(server)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(120)
        return {"drain_seconds": DRAIN_SECONDS, "seconds": round(time.monotonic() - started, 1), "status": status}


def _write(output: Path, result: dict[str, Any], arguments: list[str]) -> None:
    from provenance import provenance

    ordered = [attack.__name__ for attack in ATTACKS if attack.__name__ in result["attacks"]]
    result["attacks"] = {name: result["attacks"][name] for name in ordered}
    facts = {"command": " ".join(["python benchmarks/malice.py", *arguments]), **provenance()}
    output.write_text(json.dumps(result | facts, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="default: the starter model")
    parser.add_argument("--attack", action="append", help="only this one; may be repeated")
    parser.add_argument("--output", default=str(OUTPUT))
    given = parser.parse_args(arguments)
    output = Path(given.output)
    chosen = [attack for attack in ATTACKS if not given.attack or attack.__name__ in given.attack]
    result: dict[str, Any] = {"attacks": {}, "stop": None}
    if given.attack and output.exists():  # the others stay as they were measured
        result = json.loads(output.read_text(encoding="utf-8"))
    for attack in chosen:
        result["attacks"][attack.__name__] = measure(given.model, attack)
        _write(output, result, arguments)
    result["stop"] = stop(given.model)
    _write(output, result, arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
