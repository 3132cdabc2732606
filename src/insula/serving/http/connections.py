"""Protocols of connections: limits on headers, on connections, and on clients that do not read their answers."""

from __future__ import annotations

import asyncio
import http
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from insula.serving.http.problems import ProblemError
from insula.serving.http.response_headers import HEADERS
from insula.serving.settings.sections import Limits


class _WriteDeadline(asyncio.Protocol):
    """Aborts a connection whose client reads nothing of its answer for `write_seconds`.

    An orderly close would wait until the client has read what was sent before.
    """

    loop: Any
    transport: Any
    write_seconds: float
    _write_clock: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        _stop(self._write_clock)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_clock = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        _stop(self._write_clock)
        super().resume_writing()


def create_http_protocol(limits: Limits) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol of a connection with the limits that it lacks; every rejection is a problem document.

    Limited are the bytes and the seconds of the headers, the number of connections, and the seconds for which a client
    may read nothing of its answer. A request must have one Host header (RFC 9112, section 3.2).
    """

    class LimitedProtocol(_WriteDeadline, HttpToolsProtocol):
        write_seconds = limits.write_seconds
        _head = 0
        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > 2 * limits.connections:  # too many to answer them at all
                transport.abort()
            self._start_clock()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clock()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            super().data_received(data)

        def on_message_begin(self) -> None:
            self._head = 0
            self._start_clock()
            super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            self._count(len(url))
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            self._count(len(name) + len(value))
            super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self._stop_clock()
            hosts = sum(name == b"host" for name, _ in self.headers)
            if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
                self._reject(
                    ProblemError("malformed", f"A request must have one Host header. Got {hosts}. Send exactly one.")
                )
            elif len(self.connections) > limits.connections:
                detail = "The service has too many connections. Repeat the request after the seconds of Retry-After."
                self._reject(ProblemError("unavailable", detail, headers={"retry-after": "1"}))
            if not self.transport.is_closing():
                super().on_headers_complete()

        def handle_websocket_upgrade(self) -> None:
            if not self.transport.is_closing():
                super().handle_websocket_upgrade()

        def send_400_response(self, msg: str) -> None:
            self._reject(
                ProblemError("malformed", "The request must be valid HTTP/1.1. Correct it, or use another client.")
            )

        def on_body(self, body: bytes) -> None:
            if self.cycle is not None:
                super().on_body(body)

        def on_message_complete(self) -> None:
            if self.cycle is not None:
                super().on_message_complete()

        def _count(self, size: int) -> None:
            self._head += size
            if self._head > limits.header_bytes:
                detail = f"The request line and the headers must have at most {limits.header_bytes:,} bytes."
                self._reject(ProblemError("headers_too_large", detail))

        def _start_clock(self) -> None:
            if self._clock is None:
                self._clock = self.loop.call_later(limits.header_seconds, self._reject_slow)

        def _stop_clock(self) -> None:
            _stop(self._clock)
            self._clock = None

        def _reject_slow(self) -> None:
            detail = f"The request line and the headers must arrive within {limits.header_seconds:g} seconds."
            self._reject(ProblemError("timeout", detail))

        def _reject(self, problem: ProblemError) -> None:
            self._stop_clock()
            if not self.transport.is_closing():
                self.transport.write(_encode_problem(problem))
                self.transport.close()

    return LimitedProtocol


def stream_protocol(limits: Limits) -> type[WebSocketsSansIOProtocol]:
    """Return uvicorn's protocol of a WebSocket that also disconnects a client which stops reading its answers."""

    class StreamProtocol(_WriteDeadline, WebSocketsSansIOProtocol):
        write_seconds = limits.write_seconds

        def handle_parser_exception(self) -> None:
            if self.conn.close_sent is None:  # what is sent before the handshake is complete cannot be answered
                self.transport.abort()
            else:
                super().handle_parser_exception()

        async def send(self, message: Any) -> None:
            """Send a message; a denial completes the handshake, which uvicorn would log as an error otherwise."""
            await super().send(message)
            if self.close_sent:
                self.handshake_complete = True

    return StreamProtocol


def _stop(clock: asyncio.TimerHandle | None) -> None:
    if clock is not None:
        clock.cancel()


def _encode_problem(problem: ProblemError) -> bytes:
    """Return a problem as the bytes of an HTTP response that closes the connection."""
    response = problem.to_response()
    status = f"HTTP/1.1 {problem.status} {http.HTTPStatus(problem.status).phrase}\r\n".encode("ascii")
    headers = [*response.raw_headers, *HEADERS, (b"connection", b"close")]
    return status + b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + bytes(response.body)
