"""The load generator: every request is counted once, with what became of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import load


class Every(BaseHTTPRequestHandler):
    """Refuses every third request, over kept connections."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((json.loads(body), self.headers["insula-wait-ms"]))  # type: ignore[attr-defined]
        self.send_response(429 if len(self.server.got) % 3 == 0 else 200)  # type: ignore[attr-defined]
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Every)
    server.got = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _load(server: ThreadingHTTPServer, folder: Path, **how: Any) -> dict[str, Any]:
    task = {
        "address": f"http://127.0.0.1:{server.server_port}", "path": "/predict", "bodies": [{"n": 0}, {"n": 1}],
        "headers": {"insula-wait-ms": "7"}, "seconds": 0.5, **how,
    }  # fmt: skip
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    assert load.main([str(folder / "task.json")]) == 0
    found: dict[str, Any] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("how", [{"rate": 60, "seed": 0}, {"connections": 2}])
def test_every_request_is_counted(server: ThreadingHTTPServer, tmp_path: Path, how: dict[str, Any]) -> None:
    began = time.monotonic()
    found = _load(server, tmp_path, **how)
    got = server.got  # type: ignore[attr-defined]
    assert found["sent"] == len(got) == sum(found["statuses"].values()) > 2
    assert found["statuses"]["429"] == len(got) // 3
    assert {body["n"] for body, _ in got} == {0, 1}
    assert {wait for _, wait in got} == {"7"}
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["longest_ms"] <= 1e3 * (time.monotonic() - began)


def test_an_open_loop_asks_as_often_as_it_is_told(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    # The seed alone decides when requests are due.
    counts = [_load(server, tmp_path, rate=40, seed=3)["sent"] for _ in range(2)]
    assert counts[0] == counts[1]
    assert 8 <= counts[0] <= 36


def test_a_service_that_is_not_there_is_an_error(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    with pytest.raises(ExceptionGroup):
        _load(server, tmp_path, connections=1, address="http://127.0.0.1:9")
