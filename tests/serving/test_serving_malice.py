"""Clients that mean harm, each as it showed what the service lacked."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from serving_running import Running, problem, running
from serving_sockets import HANDSHAKE, open_stream, port_of, send_without_reading, with_small_buffers
from starlette.requests import Request
from starlette.types import Message
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from insula.api.access import create_key
from insula.serving.http.bodies import read_body
from insula.serving.pages import card_html
from insula.serving.schemas import PredictRequest
from waiting import DEADLINE, wait_until

MESSAGE = json.dumps({"text": "so happy", "id": "a" * 200, "speaker": "b" * 150})


def _messages() -> bytes:
    payload = MESSAGE.encode()
    return (b"\x81\xfe" + len(payload).to_bytes(2, "big") + b"\0\0\0\0" + payload) * 5_000


def _has_stuck_client(service: Running) -> bool:
    return any(one._write_clock is not None for one in service.server.server_state.connections)


def test_a_stream_client_that_never_reads_is_disconnected(linear_model: Path) -> None:
    limits = {"write_seconds": 1}
    with with_small_buffers(linear_model, limits=limits) as service, contextlib.ExitStack() as stack:
        send_without_reading(open_stream(service.address, stack), _messages(), until=lambda: _has_stuck_client(service))
        wait_until(lambda: not service.service.streams, "the stream of a client that never reads is still open")


def test_a_stream_client_that_is_stuck_and_leaves_is_forgotten(linear_model: Path) -> None:
    with with_small_buffers(linear_model) as service, contextlib.ExitStack() as stack:
        send_without_reading(open_stream(service.address, stack), _messages(), until=lambda: _has_stuck_client(service))
        assert service.service.streams == 1
        stack.close()
        wait_until(lambda: not service.service.streams, "the stream of a client that left is still open")


def test_an_http_client_that_never_reads_is_disconnected(linear_model: Path) -> None:
    limits = {"write_seconds": 1}
    with with_small_buffers(linear_model, limits=limits) as service, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port_of(service.address)))
        requests = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5_000
        send_without_reading(connection, requests, until=lambda: _has_stuck_client(service))
        state = service.server.server_state
        wait_until(lambda: not state.connections and not state.tasks, "a client that never reads is still connected")


def test_a_broken_frame_before_the_handshake_ends_it(
    small: Running, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, asked, go = WebSocket.accept, threading.Event(), threading.Event()

    async def accept_late(self: WebSocket) -> None:
        asked.set()
        await asyncio.to_thread(go.wait, DEADLINE)
        await accept(self)

    monkeypatch.setattr(WebSocket, "accept", accept_late)
    with socket.create_connection(("127.0.0.1", port_of(small.address)), timeout=DEADLINE) as connection:
        connection.sendall(HANDSHAKE.encode())
        assert asked.wait(DEADLINE)
        connection.sendall(b"\x81\x05hello")  # without a mask
        with contextlib.suppress(ConnectionError):
            while connection.recv(4096):
                pass
    go.set()
    wait_until(lambda: not small.server.server_state.tasks, "the stream does not end")
    assert small.get("/healthz").status_code == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


# The program itself, on sockets for which the kernel keeps little.
SMALL_BUFFERS = """
import socket
create = socket.create_server

def with_small_buffers(*arguments, **options):
    listener = create(*arguments, **options)
    for one in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        listener.setsockopt(socket.SOL_SOCKET, one, 4096)
    return listener

socket.create_server = with_small_buffers
from insula.cli.app import main; main()
"""


def test_sigterm_ends_in_time_with_stuck_clients(linear_model: Path, tmp_path: Path) -> None:
    settings = {"INSULA_SERVE_DRAIN_SECONDS": "6", "INSULA_SERVE_NOTICE_SECONDS": "0"}
    command = [sys.executable, "-c", SMALL_BUFFERS, "serve", "-m", str(linear_model), "--port", "0"]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, **settings})
    try:
        assert started.stdout is not None
        address = started.stdout.readline().split()[2]
        with contextlib.ExitStack() as stack:
            for connection in [open_stream(address, stack) for _ in range(4)]:
                connection.settimeout(0.5)  # then the server takes no more
                with contextlib.suppress(TimeoutError):
                    connection.sendall(_messages())
            asked = time.monotonic()
            started.send_signal(signal.SIGTERM)
            assert started.wait(DEADLINE) == 0
            # Waiting twice, for streams and then for connections, took twice as long; the interpreter ends, too.
            assert time.monotonic() - asked < 6 + 5
    finally:
        started.kill()
        started.communicate()


def test_a_message_has_a_short_id(small: Running) -> None:
    """Answers repeat it, and wait in memory for a client that does not read."""
    with connect(small.address.replace("http", "ws") + "/v1/stream") as stream:
        stream.send(json.dumps({"id": "a" * 201, "text": "happy"}))
        assert json.loads(stream.recv(timeout=DEADLINE))["error"]["code"] == "validation"


def test_malformed_messages_count_against_the_rate(linear_model: Path, tmp_path: Path) -> None:
    key = create_key("care", calls_per_second=0.01, burst=2, store=tmp_path).secret
    with running(linear_model, store={"address": str(tmp_path)}) as service:
        address = service.address.replace("http", "ws") + "/v1/stream"
        with connect(address, additional_headers={"x-api-key": key}) as stream:
            for _ in range(4):
                stream.send("{")
            codes = [json.loads(stream.recv(timeout=DEADLINE))["error"]["code"] for _ in range(4)]
    assert codes == ["malformed", *["too_many_calls"] * 3]  # opening the stream was the first call


@pytest.fixture(scope="module")
def small(linear_model: Path) -> Iterator[Running]:
    """A service with room for few bytes and connections."""
    limits = {"body_bytes": 20_000, "buffered_bytes": 30_000, "connections": 8, "header_bytes": 4_000,
              "header_seconds": 1, "body_seconds": 30}  # fmt: skip
    with running(linear_model, limits=limits) as service:
        yield service


def _answer(service: Running, request: str, *, wait: bool = False) -> tuple[int, dict[str, str], bytes]:
    with socket.create_connection(("127.0.0.1", port_of(service.address)), timeout=DEADLINE) as connection:
        connection.sendall(request.encode())
        data = b""
        while part := connection.recv(65536):
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400, "malformed"),
        ("GET / HTTP/1.1\r\n\r\n", 400, "malformed"),
        (HANDSHAKE.replace("\r\n\r\n", "\r\nHost: evil.example\r\n\r\n"), 400, "malformed"),
        ("nonsense\r\n\r\n", 400, "malformed"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nx: " + "a" * 5_000 + "\r\n\r\n", 431, "headers_too_large"),
        ("GET / HTTP/1.1\r\nHost: local", 408, "timeout"),
    ],
    ids=["two hosts", "no host", "stream", "nonsense", "long", "slow"],
)
def test_requests_without_a_route_get_problems(
    small: Running, caplog: pytest.LogCaptureFixture, request_: str, status: int, code: str
) -> None:
    found, headers, body = _answer(small, request_)
    assert found == status
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert json.loads(body)["code"] == code
    assert not caplog.records  # strangers cannot fill the log


def test_too_many_connections_get_a_problem(small: Running) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            held = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(small.address))))
            held.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\n"
                         b"content-length: 10\r\n\r\n")  # fmt: skip
        wait_until(lambda: len(small.server.server_state.connections) >= 8, "the connections are not open")
        answer = small.get("/v1/models")
        assert problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "1"
    wait_until(lambda: len(small.server.server_state.connections) < 3, "the connections are not closed")
    assert small.get("/v1/models").status_code == 200


def test_bodies_of_all_clients_have_one_bound(small: Running) -> None:
    wait_until(lambda: len(small.server.server_state.connections) < 3, "the connections are not closed")
    body = json.dumps({"texts": ["a" * 15_000]})
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(small.address))))
        head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\n"
        held.sendall(f"{head}content-length: {len(body)}\r\n\r\n{body[:-10]}".encode())
        memory = small.service.body_memory
        wait_until(lambda: memory._free < 20_000, "the body is not read")
        answer = httpx2.post(f"{small.address}/v1/predict", content=body + " " * 4_000,
                             headers={"content-type": "application/json"}, timeout=DEADLINE)  # fmt: skip
        problem(answer, 429, "overloaded")
    wait_until(lambda: memory._free == 30_000, "bytes of a body are lost")
    assert small.post("/v1/predict", {"texts": ["a" * 15_000]}).status_code == 200
    assert memory._free == 30_000


def test_a_body_is_not_kept_next_to_its_texts() -> None:
    content = json.dumps({"texts": ["a" * 19_000] * 50}).encode()
    parts = [content[start : start + 65_536] for start in range(0, len(content), 65_536)]

    async def receive() -> Message:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def measure() -> int:
        request = Request({"type": "http", "headers": [(b"content-type", b"application/json")]}, receive)
        tracemalloc.start()
        try:
            body = await read_body(request, PredictRequest)
            assert body.texts is not None
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    assert asyncio.run(measure()) < 1.5 * len(content)


def test_head_is_get_without_a_body(served: Running) -> None:
    name = served.service.models.default.name
    for path in (
        "/healthz",
        "/readyz",
        "/v1/models",
        f"/v1/models/{name}",
        "/",
        "/models",
        "/openapi.json",
        "/metrics",
    ):
        got, head = served.get(path), httpx2.head(f"{served.address}{path}")
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers["content-type"] == got.headers["content-type"]
    assert httpx2.head(f"{served.address}/v1/predict").headers["allow"] == "POST"
    assert served.post("/v1/models", {}).headers["allow"] == "GET, HEAD"
    assert 'method="HEAD",route="/v1/models"' in served.get("/metrics").text


def test_streams_that_are_denied_get_problems(linear_model: Path) -> None:
    with running(linear_model, notice_seconds=5) as service:
        address = service.address.replace("http", "ws") + "/v1/stream"
        with pytest.raises(InvalidStatus) as denied:
            connect(address, origin="https://evil.example")  # type: ignore[arg-type]
        assert json.loads(denied.value.response.body or b"")["code"] == "forbidden"
        service.service.draining = True
        with pytest.raises(InvalidStatus) as denied:
            connect(address)
        assert json.loads(denied.value.response.body or b"")["code"] == "unavailable"


def test_a_switched_off_feature_says_so(served: Running, linear_model: Path) -> None:
    problem(served.post("/v1/feedback", {"text": "a", "labels": []}), 501, "disabled")
    with running(linear_model, pages={"enabled": False}) as service:
        problem(service.get("/models"), 404, "not_found")


def test_proxies_that_name_themselves_need_a_key(served: Running) -> None:
    for header in ("forwarded", "x-forwarded-proto", "x-forwarded-for", "x-real-ip", "via", "cf-ray"):
        problem(served.get("/v1/models", headers={header: "1"}), 401, "unauthenticated")


def test_the_service_is_not_ready_while_its_store_is_away(linear_model: Path, tmp_path: Path) -> None:
    create_key("care", store=tmp_path)
    with running(linear_model, store={"address": str(tmp_path)}) as service:
        assert service.get("/readyz").status_code == 200
        with pytest.MonkeyPatch.context() as patch:
            from insula.core.errors import StoreUnreachableError
            from insula.operations.credentials.keys import KeyStore

            def away(_: KeyStore) -> bool:
                raise StoreUnreachableError("Nobody is there.")

            patch.setattr(KeyStore, "has_any", away)
            wait_until(lambda: service.get("/readyz").status_code == 503, "the service is ready without its store")
            problem(service.get("/readyz"), 503, "unavailable")
        wait_until(lambda: service.get("/readyz").status_code == 200, "the service is not ready again")


def test_a_card_is_rendered_once_and_bounded(
    linear_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(linear_model, folder)
    card, manifest = folder / "model_card.md", folder / "manifest.json"
    card.write_text("# Card\n" + "a [" * 1_000_000, encoding="utf-8")
    facts = json.loads(manifest.read_text(encoding="utf-8"))
    facts["files"][card.name] = hashlib.sha256(card.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(facts), encoding="utf-8")
    rendered: list[int] = []
    real = card_html.render_card
    monkeypatch.setattr(card_html, "render_card", lambda card: (rendered.append(len(card)), real(card[:100]))[1])
    with running(folder) as service:
        name = service.service.models.default.name
        for _ in range(3):
            assert service.get(f"/models/{name}").status_code == 200
    assert rendered == [100_000]
