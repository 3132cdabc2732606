"""Sockets of clients that send bytes of their own making, and read only what a test reads."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from serving_running import Running, running

from waiting import DEADLINE, wait_until

HANDSHAKE = (
    "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def port_of(address: str) -> int:
    """Return the port of an address."""
    return int(address.rsplit(":", 1)[1])


def open_connection(address: str, stack: contextlib.ExitStack) -> socket.socket:
    """Open a connection for which the kernel keeps little."""
    connection = stack.enter_context(socket.socket())
    connection.settimeout(DEADLINE)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port_of(address)))
    return connection


def open_stream(address: str, stack: contextlib.ExitStack) -> socket.socket:
    """Open a connection that the service has accepted as a stream."""
    connection = open_connection(address, stack)
    connection.sendall(HANDSHAKE.encode())
    assert b" 101 " in connection.recv(4096)
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the service ends the connection."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            found += part
    return found


def send_without_reading(connection: socket.socket, data: bytes, *, until: Callable[[], bool]) -> None:
    """Send until a condition holds or the service ends the connection, and never read an answer."""
    connection.setblocking(False)
    left = memoryview(data)

    def is_done() -> bool:
        nonlocal left
        with contextlib.suppress(BlockingIOError):
            left = left[connection.send(left[:65536]) :]
        return until()

    with contextlib.suppress(ConnectionError):
        wait_until(is_done, "the server takes all that a client sends who never reads")


@contextlib.contextmanager
def with_small_buffers(model: Path, **options: Any) -> Iterator[Running]:
    """Serve a model on connections for which the kernel keeps little of what both sides write."""
    with running(model, **options) as service:
        listener = service.server.servers[0].sockets[0]
        for one in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # connections have it from the listener
            listener.setsockopt(socket.SOL_SOCKET, one, 4096)
        service.server.config.ws_ping_interval = None  # a ping without an answer would end a stream, too
        yield service
