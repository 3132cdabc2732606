"""Limits on the size and duration of a request's headers, before there is a request to answer."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from insula.serving.settings.sections import Limits

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def limited_protocol(limits: Limits) -> type[HttpToolsProtocol]:
    """Return the protocol of a connection, with limits on the bytes and the seconds of its headers."""

    class LimitedProtocol(HttpToolsProtocol):
        """uvicorn's protocol, which has no such limits."""

        _head = 0
        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
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
            if not self.transport.is_closing():
                super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            if self.cycle is not None:
                super().on_body(body)

        def on_message_complete(self) -> None:
            if self.cycle is not None:
                super().on_message_complete()

        def _count(self, size: int) -> None:
            self._head += size
            if self._head > limits.header_bytes:
                self._close(TOO_LARGE)

        def _start_clock(self) -> None:
            if self._clock is None:
                self._clock = self.loop.call_later(limits.header_seconds, self._close, TOO_SLOW)

        def _stop_clock(self) -> None:
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None

        def _close(self, answer: bytes) -> None:
            self._stop_clock()
            if not self.transport.is_closing():
                self.transport.write(answer)
                self.transport.close()

    return LimitedProtocol


class StreamProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which logs an error for every WebSocket that the application denies, as if it hung."""

    async def send(self, message: Any) -> None:
        """Send a message; a denial completes the handshake as an acceptance does."""
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = True
