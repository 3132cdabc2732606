"""A stream of NATS JetStream, read by a durable pull consumer that several monitors may share."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import NotFoundError

from insula.core.durations import parse_duration
from insula.core.errors import StreamError
from insula.operations.streams.address import split_address
from insula.operations.streams.source import StreamEntry

CONSUMER = "insula"
IDLE = "1m"
"""Time after which messages that a reader does not confirm go to another."""
TIMEOUT = 10.0

T = TypeVar("T")


class NatsSource:
    """Messages of a JetStream stream.

    address  `nats://host:port/STREAM`; `tls://` for TLS. `?consumer=NAME` names the durable consumer (default: insula),
             `?idle=5m` the time after which messages that a reader does not confirm go to another (default: 1m), which
             counts when the consumer is made.
    follow   wait for further messages; otherwise it ends when every message is confirmed

    Messages that cannot be read are copied to the stream `STREAM-rejected`.
    """

    def __init__(self, address: str, *, follow: bool = False) -> None:
        given = split_address(address, "NATS", "nats://HOST:PORT/STREAM", ("consumer=NAME", "idle=SPAN"))
        self._server, self._stream = given.server, given.path[-1]
        self._consumer = given.options.get("consumer", CONSUMER)
        self._idle = parse_duration(given.options.get("idle", IDLE), name="idle time")
        self.address = f"{given.shown}/{self._stream}"
        self.name = self.address
        self._follow = follow
        self._ended = False
        self._client: Any = None
        self._pulling: Any = None
        self._held: dict[str, Msg] = {}
        # The client of NATS lives in an event loop, a monitor in a thread.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing is left and the stream is not followed."""
        return self._ended

    def resume(self, position: str | None) -> str | None:
        """Do nothing: the consumer keeps the position of the last confirmed message."""

    def read(self, most: int, wait: float) -> Sequence[StreamEntry]:
        """Return messages, among them those that were not confirmed in time."""
        return self._ask(self._read(most, wait))

    def confirm(self, entries: Sequence[StreamEntry]) -> None:
        """Tell the consumer that these messages are done."""
        self._ask(self._confirm(entries))

    def reject(self, entry: StreamEntry, reason: str) -> None:
        """Copy a message to the stream of rejected messages, with the reason in a header; a crash may duplicate it."""
        self._ask(self._reject(entry, reason))

    def close(self) -> None:
        """Close the connection. Messages that were not confirmed go to others after their idle time."""
        if self._loop.is_closed():
            return
        with contextlib.suppress(StreamError):
            self._ask(self._disconnect())
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(_end_tasks(), self._loop).result(TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT)
        if not self._thread.is_alive():
            self._loop.close()

    async def _read(self, most: int, wait: float) -> list[StreamEntry]:
        pulling = await self._connect()
        try:
            messages = await pulling.fetch(most, timeout=max(wait, 0.2))
        except (TimeoutError, nats.errors.TimeoutError):
            messages = []
        if not messages and not self._follow:
            # Another monitor works on what is not confirmed, or has died: then it comes again.
            left = await pulling.consumer_info()
            self._ended = not left.num_ack_pending and not left.num_pending
        entries = []
        for message in messages:
            entry = StreamEntry(str(message.metadata.sequence.stream), message.data)
            self._held[entry.position] = message
            entries.append(entry)
        return entries

    async def _confirm(self, entries: Sequence[StreamEntry]) -> None:
        await self._connect()
        for entry in entries:
            message = self._held.pop(entry.position, None)  # None: of a connection before; the message comes again
            if message is not None:
                await message.ack()
        await self._client.flush(TIMEOUT)

    async def _reject(self, entry: StreamEntry, reason: str) -> None:
        await self._connect()
        jetstream, name = self._client.jetstream(), f"{self._stream}-rejected"
        await jetstream.add_stream(StreamConfig(name=name, subjects=[name]))
        line = "".join(filter(str.isprintable, reason)).encode("latin-1", "replace").decode("latin-1")
        await jetstream.publish(name, entry.content, headers={"Insula-Id": entry.position, "Insula-Reason": line})

    async def _connect(self) -> Any:
        """Return the subscription, made if there is none."""
        if self._pulling is None:
            await self._disconnect()
            self._client = await nats.connect(
                self._server, connect_timeout=TIMEOUT, allow_reconnect=False, error_cb=_ignore, max_reconnect_attempts=1
            )
            config = ConsumerConfig(ack_wait=self._idle, max_ack_pending=-1)
            self._pulling = await self._client.jetstream().pull_subscribe(
                "", durable=self._consumer, stream=self._stream, config=config
            )
        return self._pulling

    async def _disconnect(self) -> None:
        self._held.clear()
        client, self._client, self._pulling = self._client, None, None
        if client is not None and not client.is_closed:
            await client.close()

    def _ask(self, task: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(task, self._loop)
        try:
            return future.result(3 * TIMEOUT)
        except NotFoundError:
            reason = f"it has no stream {self._stream!r}; make it with its subjects first"
        except (NatsError, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        future.cancel()
        self._pulling = None  # the next call connects again
        raise StreamError(f"The stream {self.address} does not answer: {reason}. Check that NATS is running.")


async def _end_tasks() -> None:
    """Cancel the tasks that the client leaves behind, such as after a lost connection, before the loop closes."""
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _ignore(error: Exception) -> None:
    """Print nothing: the error of a call says the same."""
