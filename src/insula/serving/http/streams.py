"""The protocol of a WebSocket: limits on what a client sends and does not complete, and on answers it does not read."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from insula.serving.http.body_limits import BodyMemory
from insula.serving.http.connections import WriteDeadline, stop
from insula.serving.http.problems import ProblemError
from insula.serving.settings.sections import Limits

PIECE = 4_096  # bytes that are parsed in one go: each message in them is an object in a queue
MESSAGE_BYTES = 500  # about what a message occupies in the queue besides its content


def create_stream_protocol(limits: Limits, memory: BodyMemory) -> type[WebSocketsSansIOProtocol]:
    """Return uvicorn's protocol of a WebSocket with the limits that it lacks.

    What has arrived and is not read by the application takes its bytes from `memory`. A message must arrive within
    `body_seconds`. Nothing more is parsed while messages wait for the application, or answers for the client; a client
    that stops reading is disconnected.
    """

    class StreamProtocol(WriteDeadline, WebSocketsSansIOProtocol):
        write_seconds = limits.write_seconds
        _unparsed = b""
        _queued = 0  # bytes of messages that the application has not received
        _held = 0  # bytes taken from the memory
        _completed = False  # a message since the clock was started
        _clock: asyncio.TimerHandle | None = None

        def connection_lost(self, exc: Exception | None) -> None:
            stop(self._clock)
            self._unparsed = b""
            memory.release(self._held)
            self._held = 0
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            self._unparsed += data
            self._parse()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._parse()

        def handle_text(self, event: Frame) -> None:
            super().handle_text(_copy_frame(event))

        def handle_bytes(self, event: Frame) -> None:
            super().handle_bytes(_copy_frame(event))

        def handle_cont(self, event: Frame) -> None:
            # Uvicorn lists the fragments of a message; empty ones would fill the memory.
            self.frames[0] += event.data
            if event.fin:
                self.send_receive_event_to_app()

        def send_receive_event_to_app(self) -> None:
            self._completed = True
            if self.curr_msg_data_type == "text" and not _is_utf8(self.frames[0]):
                self._fail(CloseCode.INVALID_DATA, "A text message must be UTF-8.")  # uvicorn would log an error
            elif not self.close_sent:
                self._queued += len(self.frames[0]) + MESSAGE_BYTES
                super().send_receive_event_to_app()
            self.frames = []

        def handle_parser_exception(self) -> None:
            if self.conn.close_sent is None:  # what is sent before the handshake is complete cannot be answered
                self.transport.abort()
            else:
                super().handle_parser_exception()

        async def receive(self) -> Any:
            """Return the next event; parse more once no message waits."""
            message = await super().receive()
            if self.queue.empty():
                self._queued = 0
                self._parse()
            return message

        async def send(self, message: Any) -> None:
            """Send a message; a denial completes the handshake, which uvicorn would log as an error otherwise."""
            await super().send(message)
            if self.close_sent:
                self.handshake_complete = True
                self._parse()  # the close of the client may be there already

        def _is_paused(self) -> bool:
            return self.read_paused or not self.writable.is_set()

        def _parse(self) -> None:
            """Parse received data until messages or answers are pending; then pause reading from the connection."""
            data, start = self._unparsed, 0
            while start < len(data) and not self._is_paused() and not self.transport.is_closing():
                super().data_received(data[start : start + PIECE])
                start += PIECE
            self._unparsed = data[start:]
            if self.transport.is_closing():
                return
            if self._unparsed or self._is_paused():
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()
            self._limit()

        def _limit(self) -> None:
            """Charge buffered bytes to the memory, and start the clock of an incomplete message."""
            unfinished = len(self.conn.reader.buffer) + sum(map(len, self.frames))
            held = len(self._unparsed) + unfinished + self._queued
            try:
                memory.reserve(held - self._held)
            except ProblemError:
                self._fail(CloseCode.TRY_AGAIN_LATER, "The service is reading too many requests. Connect again later.")
                return
            self._held = held
            is_waiting = bool(unfinished) and not self._is_paused()
            if self._completed or not is_waiting:
                stop(self._clock)
                self._clock, self._completed = None, False
            if is_waiting and self._clock is None:
                self._clock = self.loop.call_later(limits.body_seconds, self._fail_slow_client)

        def _fail_slow_client(self) -> None:
            self._fail(CloseCode.POLICY_VIOLATION, f"A message must arrive within {limits.body_seconds:g} seconds.")

        def _fail(self, code: CloseCode, reason: str) -> None:
            if not self.transport.is_closing():
                self.conn.fail(code, reason)
                self.handle_parser_exception()

    return StreamProtocol


def _copy_frame(event: Frame) -> Frame:
    """Return the first frame of a message with content that others can be appended to."""
    return event if event.fin else Frame(event.opcode, bytearray(event.data), fin=False)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
