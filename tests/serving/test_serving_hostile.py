"""Whatever is sent, the answer is 4xx or the right one; never 5xx, and the service goes on."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from serving_running import Running, problem, running

from waiting import DEADLINE

JSON = {"content-type": "application/json"}
CANARY = "canary4711"
SMALL = {"body_bytes": 20_000, "characters": 500, "texts": 20, "header_bytes": 4_000}


@pytest.fixture(scope="module")
def small(linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with low limits."""
    feedback = {"file": str(tmp_path_factory.mktemp("hostile") / "feedback.jsonl")}
    with running(linear_model, limits=SMALL, feedback=feedback) as service:
        yield service


def _send(service: Running, content: bytes, path: str = "/v1/predict", **headers: str) -> httpx2.Response:
    return httpx2.post(f"{service.address}{path}", content=content, headers={**JSON, **headers}, timeout=DEADLINE)


def _raw(service: Running, data: bytes) -> bytes:
    """Send bytes and return all that comes back until the end."""
    host, port = service.address.removeprefix("http://").split(":")
    got = b""
    with (
        socket.create_connection((host, int(port)), timeout=DEADLINE) as connection,
        contextlib.suppress(ConnectionError),
    ):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65536):
            got += part
    return got


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b'{"texts": ["a"]', 400, "malformed"),
        (b'{"texts": ["\xff\xfe"]}', 400, "malformed"),
        (b'{"texts": ["\x00"]}', 400, "malformed"),
        (b'{"texts": ["\\ud800"]}', 400, "malformed"),
        (b'{"texts": ["a\\u0000b"]}', 422, "validation"),
        (b'{"texts": [NaN]}', 422, "validation"),
        (b'{"texts": [1]}', 422, "validation"),
        (b'{"texts": "a"}', 422, "validation"),
        (b'{"texts": []}', 422, "validation"),
        (b'{"texts": null}', 422, "validation"),
        (b"[]", 422, "validation"),
        (b"null", 422, "validation"),
        (b"1e999", 422, "validation"),
        (b'{"texts": ["a"], "dialogue": [{"text": "a"}]}', 422, "validation"),
        (b'{"texts": ["a"], "outputs": ["weights"]}', 422, "validation"),
        (b'{"texts": ["a"], "language": "../../etc"}', 422, "validation"),
        (b'{"texts": ["a"], "canary4711": 1}', 422, "validation"),
        (b'{"dialogue": [{"text": "a", "canary4711": 1}]}', 422, "validation"),
        (b'{"texts": ["a"], "model": "../canary4711"}', 404, "not_found"),
        (b"[" * 19_000, 400, "malformed"),
        (b'{"texts":' * 2_000, 400, "malformed"),
        (json.dumps({"texts": ["a"] * 21}).encode(), 413, "too_large"),
        (json.dumps({"texts": ["a" * 501]}).encode(), 413, "too_large"),
        (json.dumps({"texts": ["a" * 30_000]}).encode(), 413, "too_large"),
    ],
)
def test_a_wrong_body_is_refused_with_its_code(small: Running, body: bytes, status: int, code: str) -> None:
    answer = _send(small, body)
    problem(answer, status, code)
    assert CANARY not in answer.text


def test_other_kinds_of_body_are_refused(small: Running) -> None:
    good = json.dumps({"texts": ["a"]}).encode()
    problem(_send(small, good, **{"content-type": "text/plain"}), 415, "unsupported_media")
    bomb = gzip.compress(json.dumps({"texts": ["a" * 10_000_000]}).encode())
    assert len(bomb) < SMALL["body_bytes"]
    problem(_send(small, bomb, **{"content-encoding": "gzip"}), 415, "unsupported_media")
    problem(small.get("/v1/predict"), 405, "method_not_allowed")
    problem(small.get("/nothing"), 404, "not_found")
    problem(small.get("/v1/models/..%2f..%2fetc%2fpasswd"), 404, "not_found")


def test_a_body_without_a_length_is_counted(small: Running) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"texts": ["'
        while sent < 50_000_000:
            sent += 4096
            yield b"a" * 4096

    try:
        answer = httpx2.post(f"{small.address}/v1/predict", content=endless(), headers=JSON, timeout=DEADLINE)
        problem(answer, 413, "too_large")
    except httpx2.TransportError:
        pass  # the connection is closed while more is sent: that is an answer, too
    assert sent < 50_000_000
    assert small.get("/healthz").status_code == 200


def test_slow_bodies_and_slow_headers_are_cut_off(linear_model: Path) -> None:
    head = (
        b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"
    )
    limits = {"header_seconds": 0.5, "body_seconds": 0.5}
    with running(linear_model, limits=limits) as hurried, contextlib.ExitStack() as opened:
        host, port = hurried.address.removeprefix("http://").split(":")
        connections = []
        for data in (head + b'{"texts"', b"POST /v1/pre", b""):
            connections.append(opened.enter_context(socket.create_connection((host, int(port)), timeout=DEADLINE)))
            connections[-1].sendall(data)
        for connection in connections:
            got = b""
            while part := connection.recv(65536):
                got += part
            assert b" 408 " in got


def test_headers_are_bounded(small: Running) -> None:
    many = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n" + b"".join(
        b"x-%d: %s\r\n" % (i, b"a" * 100) for i in range(1_000)
    )
    assert b" 431 " in _raw(small, many + b"\r\n")
    assert b" 431 " in _raw(small, b"GET /" + b"a" * 50_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert small.get("/healthz").status_code == 200


def test_pipelined_junk(small: Running) -> None:
    good = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    got = _raw(small, good * 3 + b"\x00\x01junk\r\n\r\n" + good)
    assert got.startswith(b"HTTP/1.1 ")
    assert b"HTTP/1.1 5" not in got
    assert small.get("/healthz").status_code == 200


def _bodies(seed: int, count: int) -> Iterator[bytes]:
    """Yield bodies of every bad kind, and some that are right."""
    draw = random.Random(seed)
    good = json.dumps({"texts": ["so happy", "开心"], "outputs": ["scores"]}).encode()
    values: list[object] = [None, True, -1, 1e308, "", "a", "😀" * 200, [], {}, [[]], {"text": 1}, "\u202e", "\ufeff"]
    for _ in range(count):
        kind = draw.randrange(8)
        if kind == 0:  # broken bytes
            broken = bytearray(good)
            for _ in range(draw.randint(1, 5)):
                broken[draw.randrange(len(broken))] = draw.randrange(256)
            yield bytes(broken)
        elif kind == 1:
            yield draw.randbytes(draw.randint(0, 300))
        elif kind == 2:
            yield good[: draw.randrange(len(good))] + draw.choice([b"", b"\x00", b"\xff", b"NaN", b"}}"])
        elif kind == 3:  # wrong types
            names = ["texts", "dialogue", "model", "outputs", "language", "predict_turns", "inputs", "parameters",
                     "labels", "method", "budget_ms", "faithfulness", CANARY]  # fmt: skip
            yield json.dumps({draw.choice(names): draw.choice(values) for _ in range(3)}).encode()
        elif kind == 4:  # deep
            yield draw.choice([b"[", b'{"texts":', b'[{"a":']) * draw.randint(10, 1500)
        elif kind == 5:  # escapes
            yield b'{"texts": ["' + draw.choice([b"\\ud83d", b"\\udc00", b"\\u0000", b"\\x", b"\\"]) * 3 + b'"]}'
        elif kind == 6:  # floods
            yield json.dumps({"texts": [draw.choice(["😀", "👨‍👩‍👧", "a\u0301", "\u200b"]) * 100] * 30}).encode()
        else:
            yield json.dumps({"texts": [chr(draw.randrange(32, 0xD7FF)) * draw.randint(0, 400)]}).encode()


PATHS = (
    "/v1/predict",
    "/predict",
    "/v1/explain",
    "/v1/counterfactual",
    "/v1/safety",
    "/v1/reply",
    "/v1/empathy",
    "/v1/feedback",
    "/v1/batches",
    "/v1/models",
    "/pages/predict",
    "/pages/explain",
    "/pages/reply",
    "/login",
)
KINDS = ("text/csv", "text/tab-separated-values", "application/x-ndjson", "application/x-www-form-urlencoded",
         "text/plain", "multipart/form-data; boundary=a", "application/json; charset=utf-16", "")  # fmt: skip


def _storm(address: str, seed: int, count: int) -> Counter[int]:
    """Send bodies to every address that takes one, one in four packed or under another kind; return the statuses."""
    statuses: Counter[int] = Counter()
    draw = random.Random(seed)
    with httpx2.Client(base_url=address, timeout=DEADLINE) as client:
        for body in _bodies(seed, count):
            path, headers = draw.choice(PATHS[:2] if draw.random() < 0.5 else PATHS), dict(JSON)
            if draw.random() < (0.75 if path == "/v1/batches" else 0.25):  # files are of other kinds
                headers["content-type"] = draw.choice(KINDS)
            if draw.random() < 0.05:
                body, headers["content-encoding"] = gzip.compress(body * 50), draw.choice(["gzip", "br", "identity"])
            answer = client.post(path, content=body, headers=headers)
            assert answer.status_code < 500, (path, headers, body[:100], answer.text)
            if answer.status_code >= 400 and path.startswith(("/v1", "/predict")):
                assert answer.headers["content-type"] == "application/problem+json"
                assert CANARY not in answer.text
            statuses[answer.status_code] += 1
    return statuses


def test_a_storm_of_hostile_bodies(small: Running) -> None:
    statuses = _storm(small.address, 0, 400)
    assert {200, 202, 400, 405, 413, 415, 422} <= set(statuses)


@pytest.mark.slow
def test_ten_thousand_hostile_bodies_and_no_growth(encoder_model: Path, linear_model: Path, tmp_path: Path) -> None:
    """In a process of its own, whose memory is the service's alone."""
    limits = {f"INSULA_SERVE_LIMITS_{name.upper()}": str(value) for name, value in SMALL.items()}
    more = {"INSULA_SERVE_JOBS_MOST": "50", "INSULA_SERVE_FEEDBACK_FILE": str(tmp_path / "feedback.jsonl")}
    command = [
        sys.executable,
        "-m",
        "insula",
        "serve",
        "-m",
        str(encoder_model),
        "-m",
        str(linear_model),
        "--port",
        "0",
    ]
    log = tmp_path / "log"
    with log.open("wb") as errors:
        started = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **limits, **more},
        )
    try:
        assert started.stdout is not None
        address = started.stdout.readline().split()[2]
        first = _storm(address, 1, 10_000)
        before = _resident(started.pid)
        second = _storm(address, 1, 10_000)
        after = _resident(started.pid)
        print(f"{before} KB, then {after} KB; {dict(first)}, then {dict(second)}")
        assert after < before * 1.05
        answer = httpx2.post(f"{address}/v1/predict", json={"texts": ["happy"]}, timeout=DEADLINE)
        assert answer.status_code == 200
    finally:
        started.terminate()
        assert started.wait(DEADLINE) == 0
        started.stdout.close()
    assert log.read_text(encoding="utf-8") == ""


def _resident(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
