"""Connections that say too much, or too slowly, before there is a request to answer."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from insula.serving.settings.settings import Limits

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def guarded(limits: Limits) -> type[HttpToolsProtocol]:
    """Return the protocol of a connection whose headers are bounded in bytes and in time."""

    class Guarded(HttpToolsProtocol):
        """uvicorn's own, which bounds neither."""

        _head = 0
        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wind_up()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            super().data_received(data)

        def on_message_begin(self) -> None:
            self._head = 0
            self._wind_up()
            super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            self._count(len(url))
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            self._count(len(name) + len(value))
            super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self._stop()
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
                self._end(TOO_LARGE)

        def _wind_up(self) -> None:
            if self._clock is None:
                self._clock = self.loop.call_later(limits.header_seconds, self._end, TOO_SLOW)

        def _stop(self) -> None:
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None

        def _end(self, answer: bytes) -> None:
            self._stop()
            if not self.transport.is_closing():
                self.transport.write(answer)
                self.transport.close()

    return Guarded


class Streamed(WebSocketsSansIOProtocol):
    """uvicorn's own, which takes a stream that was refused for one that nobody answered, and logs an error for each."""

    async def send(self, message: Any) -> None:
        """Send a message; a refusal ends the handshake as an acceptance does."""
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = True
