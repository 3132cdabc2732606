"""The protocol of HTTP connections: limits on headers, on pipelining, and on clients that do not read answers."""

from __future__ import annotations

import asyncio
import http
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from insula.serving.http.problems import ProblemError
from insula.serving.http.response_headers import HEADERS
from insula.serving.settings.sections import Limits

PIECE = 16_384  # bytes that are parsed in one go, so that no limit is exceeded by more
HEADER_BYTES = 100  # about what a header occupies besides its name and value
# What uvicorn says of the bytes of a client; strangers could fill the log with it.
ABOUT_CLIENTS = ("Invalid HTTP request received.", "Unsupported upgrade request.")
PIPELINED = 16  # requests of one connection that wait for the answer before theirs


class PipelineFullError(Exception):
    """A client pipelines more requests than a connection may hold."""


class WriteDeadline(asyncio.Protocol):
    """Aborts a connection whose client reads nothing of its answer for `write_seconds`.

    An orderly close would wait until the client has read what was sent before.
    """

    loop: Any
    transport: Any
    write_seconds: float
    _write_clock: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        stop(self._write_clock)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start the clock: what was written waits for the client."""
        super().pause_writing()
        self._write_clock = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the clock: the client has read."""
        stop(self._write_clock)
        super().resume_writing()


def create_http_protocol(limits: Limits) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol of a connection with the limits that it lacks; every rejection is a problem document.

    Limited are the bytes and the seconds of the headers, the requests that wait in a connection, the number of
    connections, and the seconds for which a client may read nothing of its answer. A request must have one Host header
    (RFC 9112, section 3.2).
    """
    logging.getLogger("uvicorn.error").addFilter(_is_service_message)

    class LimitedProtocol(WriteDeadline, HttpToolsProtocol):
        write_seconds = limits.write_seconds
        _head = 0
        _unfinished = 0  # bytes since the last progress: of a header that does not end, or between two requests
        _progressed = False
        _ignores_input = False
        _clock: asyncio.TimerHandle | None = None
        _cycles: tuple[RequestResponseCycle, ...] = ()  # requests that are not answered

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > 2 * limits.connections:  # too many to answer them at all
                transport.abort()
            self._start_clock()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clock()
            super().connection_lost(exc)
            # Uvicorn tells only the last request: the one that is computed would go on, and write to a closed socket.
            for cycle in self._cycles:
                if not cycle.response_complete:
                    cycle.disconnected = True
                    cycle.message_event.set()
            self._cycles = ()

        def data_received(self, data: bytes) -> None:
            for start in range(0, len(data), PIECE):
                if self.transport.is_closing() or self._ignores_input:
                    return
                piece = data[start : start + PIECE]
                self._progressed = False
                super().data_received(piece)
                self._unfinished = 0 if self._progressed else self._unfinished + len(piece)
                if self._unfinished > limits.header_bytes:
                    self._reject_large()

        def on_message_begin(self) -> None:
            if len(self.pipeline) >= PIPELINED:
                raise PipelineFullError
            self._progressed = True
            self._head = 0
            self._start_clock()
            super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            self._count(len(url))
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            self._count(len(name) + len(value) + HEADER_BYTES)
            super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self._stop_clock()
            hosts = sum(name == b"host" for name, _ in self.headers)
            if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
                self._reject(
                    ProblemError("malformed", f"A request must have one Host header. Got {hosts}. Send exactly one.")
                )
            elif len(self.connections) > limits.connections:
                detail = "The service has too many connections. Repeat the request after the seconds in Retry-After."
                self._reject(ProblemError("unavailable", detail, headers={"retry-after": "1"}))
            if not self.transport.is_closing():
                super().on_headers_complete()
                waiting = [cycle for cycle in self._cycles if not cycle.response_complete]
                self._cycles = (*waiting, *([] if self.cycle is None else [self.cycle]))

        def handle_websocket_upgrade(self) -> None:
            self._ignores_input = True
            if not self.transport.is_closing():
                super().handle_websocket_upgrade()

        def send_400_response(self, msg: str) -> None:
            if len(self.pipeline) >= PIPELINED:  # those before are answered, then the connection is closed
                self.cycle.keep_alive = False
                self._ignores_input = True
                return
            self._reject(
                ProblemError("malformed", "The request must be valid HTTP/1.1. Correct it, or use another client.")
            )

        def on_body(self, body: bytes) -> None:
            self._progressed = True
            if self.cycle is not None:
                super().on_body(body)

        def on_message_complete(self) -> None:
            if self.cycle is not None:
                super().on_message_complete()

        def _count(self, size: int) -> None:
            self._head += size
            if self._head > limits.header_bytes:
                self._reject_large()

        def _start_clock(self) -> None:
            if self._clock is None:
                self._clock = self.loop.call_later(limits.header_seconds, self._reject_slow)

        def _stop_clock(self) -> None:
            stop(self._clock)
            self._clock = None

        def _reject_large(self) -> None:
            detail = (
                f"The request line and the headers must have at most {limits.header_bytes:,} bytes; each header counts "
                f"{HEADER_BYTES} bytes more. Send fewer or shorter headers."
            )
            self._reject(ProblemError("headers_too_large", detail))

        def _reject_slow(self) -> None:
            detail = f"The request line and the headers must arrive within {limits.header_seconds:g} seconds."
            self._reject(ProblemError("timeout", detail))

        def _reject(self, problem: ProblemError) -> None:
            self._stop_clock()
            if not self.transport.is_closing():
                self.transport.write(_encode_problem(problem))
                self.transport.close()

    return LimitedProtocol


def stop(clock: asyncio.TimerHandle | None) -> None:
    """Cancel a timer, if there is one."""
    if clock is not None:
        clock.cancel()


def _is_service_message(record: logging.LogRecord) -> bool:
    return record.msg not in ABOUT_CLIENTS


def _encode_problem(problem: ProblemError) -> bytes:
    """Return a problem as the bytes of an HTTP response that closes the connection."""
    response = problem.to_response()
    status = f"HTTP/1.1 {problem.status} {http.HTTPStatus(problem.status).phrase}\r\n".encode("ascii")
    headers = [*response.raw_headers, *HEADERS, (b"connection", b"close")]
    return status + b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + bytes(response.body)
