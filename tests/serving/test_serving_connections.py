"""What a client sends and never completes, and what it sends faster than it reads, occupies little memory."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_held import Held
from serving_running import Running, running
from serving_sockets import open_connection, open_stream, read_all, send_without_reading, with_small_buffers

from insula.serving.http.connections import PIPELINED
from insula.serving.http.streams import PIECE
from waiting import wait_until

HEAD = b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
GET = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def patient(linear_model: Path) -> Iterator[Running]:
    """A service with room for few bytes, but with much time."""
    limits = {"body_bytes": 20_000, "buffered_bytes": 30_000, "header_bytes": 4_000, "header_seconds": 600,
              "body_seconds": 600}  # fmt: skip
    with running(linear_model, limits=limits) as service:
        yield service


def _frame(content: bytes, *, opcode: int = 1, fin: bool = True) -> bytes:
    head = bytes([opcode | (0x80 if fin else 0)])
    if len(content) < 126:
        return head + bytes([0x80 | len(content)]) + b"\0\0\0\0" + content
    return head + b"\xfe" + len(content).to_bytes(2, "big") + b"\0\0\0\0" + content


def _close_code(received: bytes) -> int:
    """Return the code of the close frame that the service sent last."""
    at = received.rindex(b"\x88")
    return int(struct.unpack("!H", received[at + 2 : at + 4])[0])


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 100_000,
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n" + b"".join(b"%x:\r\n" % one for one in range(500)),
        HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: " + b"a" * 100_000,
        HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + b"a: b\r\n" * 500,
        HEAD + b"transfer-encoding: chunked\r\n\r\n2;" + b"a" * 100_000,
        b"\r\n" * 50_000,
    ],
    ids=["endless header", "many headers", "endless trailer", "many trailers", "endless chunk size", "blank lines"],
)
def test_headers_have_a_bound_before_they_end(patient: Running, request_: bytes) -> None:
    with contextlib.ExitStack() as stack:
        connection = open_connection(patient.address, stack)
        with contextlib.suppress(ConnectionError):
            connection.sendall(request_)
        assert b" 431 " in read_all(connection)
    assert patient.get("/healthz").status_code == 200


def test_a_long_body_of_small_chunks_is_read(patient: Running) -> None:
    body = json.dumps({"texts": ["so happy " * 200]}).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % one for one in body)
    with contextlib.ExitStack() as stack:
        connection = open_connection(patient.address, stack)
        head = HEAD + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        connection.sendall(head + chunks + b"0\r\n\r\n")
        assert b" 200 " in read_all(connection)


def test_few_requests_wait_in_a_connection(linear_model: Path, held: Held) -> None:
    body = b'{"texts": ["happy"]}'
    with running(linear_model) as service, contextlib.ExitStack() as stack:
        held.hold()
        connection = open_connection(service.address, stack)
        connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body + GET * 5_000)
        wait_until(lambda: bool(held.batches), "the first request is not computed")
        (protocol,) = service.server.server_state.connections
        assert len(protocol.pipeline) == PIPELINED
        held.release()
        answers = read_all(connection)
    assert answers.count(b"HTTP/1.1 200 ") == 1 + PIPELINED
    assert answers.count(b"connection: close") == 1


def test_a_client_that_leaves_pipelined_requests_is_noticed(
    linear_model: Path, held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    """The request that is computed is told of it, not only the last one, which waits behind it."""
    body = b'{"texts": ["happy"]}'
    with running(linear_model) as service:
        held.hold()
        with contextlib.ExitStack() as stack:
            connection = open_connection(service.address, stack)
            connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body + GET * 3)
            wait_until(lambda: bool(held.batches), "the first request is not computed")
        wait_until(lambda: not service.server.server_state.tasks, "a request of a client that left goes on")
        held.release()
        assert service.get("/healthz").status_code == 200
    assert not caplog.records


def test_unfinished_messages_have_one_bound(patient: Running) -> None:
    memory = patient.service.body_memory
    with contextlib.ExitStack() as stack:
        first, second = (open_stream(patient.address, stack) for _ in range(2))
        first.sendall(_frame(b"a" * 19_000)[:-1])
        wait_until(lambda: memory._free < 12_000, "the message is not counted")
        second.sendall(_frame(b"a" * 19_000)[:-1])
        assert _close_code(read_all(second)) == 1013
        first.sendall(b"a")
        assert b"malformed" in first.recv(4096)
        wait_until(lambda: memory._free == 30_000, "bytes of a message are lost")
        first.sendall(_frame(b"a" * 19_000)[:-1])
        wait_until(lambda: memory._free < 12_000, "the message is not counted")
    wait_until(lambda: memory._free == 30_000, "bytes of a client that left are lost")


def test_a_message_has_a_time_to_arrive(linear_model: Path) -> None:
    with running(linear_model, limits={"body_seconds": 1}) as service, contextlib.ExitStack() as stack:
        slow, idle = (open_stream(service.address, stack) for _ in range(2))
        slow.sendall(_frame(b'{"text": "happy"}') + _frame(b'{"text": "happy"}')[:-1])
        received = read_all(slow)
        assert b"labels" in received
        assert _close_code(received) == 1008
        # More than the time for a message has passed since the idle stream was opened.
        idle.sendall(_frame(b'{"text": "happy"}'))
        assert b"labels" in idle.recv(4096)


def test_fragments_are_one_message(patient: Running) -> None:
    parts = [b'{"text": ', b"", b'"happy"', b"}"]
    with contextlib.ExitStack() as stack:
        stream = open_stream(patient.address, stack)
        stream.sendall(
            _frame(parts[0], fin=False)
            + b"".join(_frame(part, opcode=0, fin=False) for part in parts[1:-1])
            + _frame(b"", opcode=0, fin=False) * 10_000
            + _frame(parts[-1], opcode=0)
        )
        assert b"labels" in stream.recv(4096)
        stream.sendall(_frame(b"", fin=False) + _frame(b"", opcode=0, fin=False) * 10_000)
        (protocol,) = (one for one in patient.server.server_state.connections if hasattr(one, "frames"))
        wait_until(lambda: bool(protocol.frames), "the fragments are not read")
        assert len(protocol.frames) == 1


def test_few_messages_wait_for_the_application(linear_model: Path, held: Held) -> None:
    with running(linear_model) as service, contextlib.ExitStack() as stack:
        held.hold()
        stream = open_stream(service.address, stack)
        stream.sendall(_frame(b'{"text":"a"}') * 10_000)
        wait_until(lambda: bool(held.batches), "the first message is not computed")
        (protocol,) = service.server.server_state.connections
        assert protocol.queue.qsize() <= PIECE / 18
        held.release()


def test_a_client_that_never_reads_is_not_ponged_for_ever(linear_model: Path) -> None:
    with with_small_buffers(linear_model) as service, contextlib.ExitStack() as stack:
        stream = open_stream(service.address, stack)
        (protocol,) = service.server.server_state.connections
        pings = _frame(b"p" * 125, opcode=9) * 100_000
        send_without_reading(stream, pings, until=lambda: not protocol.transport.is_reading())
        assert protocol.transport.get_write_buffer_size() < 1_000_000


def test_a_message_that_is_not_utf8_ends_the_stream(patient: Running, caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.ExitStack() as stack:
        stream = open_stream(patient.address, stack)
        stream.sendall(_frame(b'{"text": "\xff"}'))
        assert _close_code(read_all(stream)) == 1007
    assert not caplog.records
