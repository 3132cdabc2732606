"""Attacks with requests, connections and streams."""

from __future__ import annotations

import contextlib
import json
import socket

from malice_server import HANDSHAKE, Server, at_once, counted

POST = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
# Paths that mean another one to a careless reader, and one that is as long as headers may be.
PATHS = (
    "//", "//evil.example/", "/./models", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd",
    "/v1//models", "/v1/models/", "/v1/models/..", "/v1/models/%2e%2e%2fpredict", "/v1/models/%00", "/v1/models/%ff",
    "/v1/batches/..%2f..%2f", "/v1/batches/%2e%2e/result", "/files/..%5c..%5c/result", "/assets/../words.py",
    "/assets/..%2f..%2fwords.py", "/models/%2e%2e/report", "*", "http://evil.example/v1/models", "/v1/models;a=b",
    "/V1/MODELS", "/v1/models%20", "/v1/models?" + "a=b&" * 2_000, "/v1/models/" + "a" * 30_000,
    "/v1/batches/" + "%2e%2e%2f" * 3_000,
)  # fmt: skip
METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PUT", "PATCH", "DELETE", "PROPFIND", "PURGE", "LINK", "NONE")


def slow_bodies(server: Server) -> str:
    """300 bodies of 2 MB whose last byte never arrives."""
    head = POST.format(path="/v1/predict") + "Content-Length: 1999999\r\n\r\n"
    body = b'{"texts": ["' + b"a" * 1_900_000
    for _ in range(300):
        server.open(head.encode() + body)
    return str(server.post("/v1/predict", json.dumps({"texts": ["a" * 10_000] * 100})))


def largest_requests(server: Server) -> str:
    """Requests of the maximum size with the characters that take the most memory, 16 at a time."""
    body = json.dumps({"texts": ["a" * 19_000 + "\U0001f600"] * 100}, ensure_ascii=False).encode()
    return counted(at_once(16, lambda: server.post("/v1/predict", body)))


def largest_explanations(server: Server) -> str:
    """Requests to explain as many texts of the maximum length as are allowed, 16 at a time."""
    body = json.dumps({"texts": ["so happy " * 550] * 10})
    return counted(at_once(16, lambda: server.post("/v1/explain", body)))


def malformed_requests(server: Server) -> str:
    """Deeply nested and broken JSON, 16 at a time."""
    return counted(at_once(16, lambda: server.post("/v1/predict", b'{"texts":' * 200_000)))


def feedback_flood(server: Server) -> str:
    """1,600 corrections of texts of the maximum length that are full of personal data, 16 at a time."""
    texts = ("call 13812345678 or anna@example.org, ", "001 ", "我叫王小明，", "4111 1111 1111 1111 ")
    bodies = [json.dumps({"text": (text * 20_000)[:19_999], "labels": []}) for text in texts]

    def flood() -> list[int]:
        return [server.post("/v1/feedback", bodies[number % len(bodies)]) for number in range(100)]

    return counted([status for statuses in at_once(16, flood) for status in statuses])


def methods_and_paths(server: Server) -> str:
    """Paths that are encoded, doubled or very long, each five times with 12 methods, by 8 clients at once."""
    requests = [f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in PATHS for method in METHODS]

    def ask() -> list[int]:
        return [_ask(server, request) for request in requests * 5]

    return counted([status for statuses in at_once(8, ask) for status in statuses])


def endless_headers(server: Server) -> str:
    """2,000 connections, each with headers of nearly the maximum size that never end."""
    for number in range(2_000):
        server.open(GET + (b"x: " + b"a" * 32_000 if number % 2 else b"x:\r\n" * 300))
    return str(server.post("/v1/predict", json.dumps({"texts": ["happy"]})))


def endless_trailers(server: Server) -> str:
    """400 requests whose chunk sizes, trailers or blank lines never end."""
    head = (POST.format(path="/v1/predict") + "Transfer-Encoding: chunked\r\n\r\n").encode()
    ends = (b"2;" + b"a" * 10_000_000, b"2\r\n{}\r\n0\r\n" + b"x: y\r\n" * 1_000_000, b"\r\n" * 1_000_000)
    for number in range(400):
        server.open(head * (number % 3 < 2) + ends[number % 3])
    return str(server.post("/v1/predict", json.dumps({"texts": ["happy"]})))


def pipelined_requests(server: Server) -> str:
    """200 connections that send 20,000 requests each behind one that is being computed, and never read."""
    body = json.dumps({"texts": ["so happy " * 500] * 20}).encode()
    head = POST.format(path="/v1/predict") + f"Content-Length: {len(body)}\r\n\r\n"
    for _ in range(200):
        server.open(head.encode() + body + (GET + b"\r\n") * 20_000)
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


def streams_that_never_read(server: Server) -> str:
    """40 streams whose clients send but never read."""
    payload = json.dumps({"id": "a" * 200, "text": "so happy " * 2_000, "outputs": ["scores", "levels"]}).encode()
    return _send_to_streams(server, 40, _frame(payload) * 200)


def unfinished_messages(server: Server) -> str:
    """200 streams, each with a message of the maximum size whose last byte never arrives."""
    return _send_to_streams(server, 200, _frame(b"a" * 1_999_000)[:-1])


def tiny_messages(server: Server) -> str:
    """40 streams with 200,000 messages of two bytes or fragments of none, whose clients never read."""
    half = _send_to_streams(server, 20, _frame(b"{}") * 200_000)
    _send_to_streams(server, 20, _frame(b"", fin=False) + _frame(b"", opcode=0, fin=False) * 200_000)
    return half


def pings(server: Server) -> str:
    """40 streams with 100,000 pings whose clients never read the pongs."""
    return _send_to_streams(server, 40, _frame(b"p" * 125, opcode=9) * 100_000)


REQUESTS = (
    slow_bodies,
    largest_requests,
    largest_explanations,
    malformed_requests,
    feedback_flood,
    methods_and_paths,
    endless_headers,
    endless_trailers,
    pipelined_requests,
    answers_that_nobody_reads,
    connections,
)
STREAMS = (streams_that_never_read, unfinished_messages, tiny_messages, pings)


def _ask(server: Server, request: bytes) -> int:
    """Return the status of the answer to a request, 0 for none."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request)
        found = connection.recv(64)
        return int(found.split()[1]) if found.startswith(b"HTTP/1.1 ") else 0
    return 0


def _frame(content: bytes, *, opcode: int = 1, fin: bool = True) -> bytes:
    """Return a frame of a WebSocket, masked with zeros."""
    size = len(content)
    if size < 126:
        head = bytes([0x80 | size])
    elif size < 65_536:
        head = b"\xfe" + size.to_bytes(2, "big")
    else:
        head = b"\xff" + size.to_bytes(8, "big")
    return bytes([opcode | (0x80 if fin else 0)]) + head + b"\0\0\0\0" + content


def _send_to_streams(server: Server, count: int, data: bytes) -> str:
    """Open streams, and send to each as much as the server takes."""
    for _ in range(count):
        stream = server.open(HANDSHAKE)
        with contextlib.suppress(OSError):
            stream.recv(1024)
            stream.sendall(data)
    return "open"
