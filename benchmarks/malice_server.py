"""A server under attack: a process of its own with the starter model, whose memory is measured."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2

CSV, JSONL, JSON = "text/csv", "application/x-ndjson", "application/json"
WARM_UP = {"texts": ["Two hours on hold and nobody called back.", "so happy " * 500] * 50}
HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
JOBS = "jobs"  # the folder of jobs, in the folder of the server


class Server:
    """A server in a process of its own, and an attacker's connections to it."""

    def __init__(self, process: subprocess.Popen[str], address: str, folder: Path) -> None:
        self.process = process
        self.address = address
        self.port = int(address.rsplit(":", 1)[1])
        self.folder = folder
        self.sockets = contextlib.ExitStack()

    def post(self, path: str, content: Any, kind: str = JSON, timeout: float = 600) -> int:
        """Send a body and return the status, 0 if the server cut the connection."""
        try:
            return httpx2.post(
                f"{self.address}{path}", content=content, headers={"content-type": kind}, timeout=timeout
            ).status_code
        except httpx2.TransportError:
            return 0

    def start_job(self, content: Any, kind: str) -> str:
        """Upload a file, and return the id of its job; an empty text if it is rejected."""
        made = httpx2.post(f"{self.address}/v1/batches", content=content, headers={"content-type": kind}, timeout=600)
        return str(made.json()["id"]) if made.status_code == 202 else ""

    def job(self, content: Any, kind: str) -> str:
        """Upload a file, and return how its job ends."""
        made = httpx2.post(f"{self.address}/v1/batches", content=content, headers={"content-type": kind}, timeout=600)
        if made.status_code != 202:
            return str(made.status_code)
        return self.wait_for_job(made.json()["id"])

    def wait_for_job(self, name: str) -> str:
        """Return how a job ends."""
        while True:
            state = httpx2.get(f"{self.address}/v1/batches/{name}", timeout=60).json()
            if state["status"] in ("done", "failed"):
                return f"{state['status']}: {state['detail'] or state['rows']}"
            time.sleep(0.2)

    def delete_job(self, name: str) -> int:
        """Delete a job and return the status."""
        return httpx2.delete(f"{self.address}/v1/batches/{name}", timeout=60).status_code

    def list_job_folders(self) -> list[str]:
        """Return the names of the folders in which jobs have files."""
        return sorted(path.name for path in (self.folder / JOBS).iterdir() if path.is_dir())

    def open(self, data: bytes = b"") -> socket.socket:
        """Open a connection, and send what it takes."""
        connection = self.sockets.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with contextlib.suppress(OSError):
            connection.connect(("127.0.0.1", self.port))
            connection.settimeout(0.5)
            connection.sendall(data)
        return connection

    def open_stream(self) -> socket.socket:
        """Open a stream whose handshake is complete."""
        connection = self.open(HANDSHAKE)
        with contextlib.suppress(OSError):
            connection.recv(1024)
        return connection

    def reset_peak(self) -> None:
        """Start to measure the peak of the memory again."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="utf-8")

    def memory(self, which: str = "VmRSS") -> float:
        """Return the resident memory in MiB; with `VmHWM` its peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(rf"{which}:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0


@contextlib.contextmanager
def serving(model: str | None, **settings: Any) -> Iterator[Server]:
    """Start a server with settings such as `drain_seconds`, warm it up, and end it."""
    settings = {"jobs_folder": JOBS, "feedback_file": "feedback.jsonl", **settings}
    environment = {f"INSULA_SERVE_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "insula", "serve", "--port", "0", *(["-m", model] if model else [])]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, **environment}
        )
        assert process.stdout is not None
        server = Server(process, process.stdout.readline().split()[2], Path(folder))
        try:
            for _ in range(5):
                assert server.post("/v1/predict", json.dumps(WARM_UP)) == 200
            server.job("text\n" + "so happy\n" * 5_000, CSV)
            for folder_of_job in server.list_job_folders():
                server.delete_job(folder_of_job)
            yield server
        finally:
            server.sockets.close()
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()
            process.communicate()


def at_once(count: int, call: Callable[[], object]) -> list[Any]:
    """Call a function in several threads at once, and return what each returned."""
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(call())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def counted(statuses: list[Any]) -> str:
    """Return which statuses came, and how often: `200 (15 times), 429`."""
    counts = Counter(statuses)
    return ", ".join(f"{one} ({counts[one]:,} times)" if counts[one] > 1 else str(one) for one in sorted(counts))
