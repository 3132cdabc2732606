"""A Redis stream, read by a consumer group: several monitors share it, and another takes over unfinished entries."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from insula.core.durations import parse_duration
from insula.core.errors import SettingsError, StreamError
from insula.operations.streams.address import BrokerAddress, split_address
from insula.operations.streams.source import StreamEntry

GROUP = "insula"
REJECTED = ":rejected"
"""Added to the name of a stream: the stream of its entries that cannot be read."""
IDLE = "1m"
"""Time after which the entries of a consumer that does not confirm them go to another."""
TIMEOUT = 10.0
JSON_FIELDS = ("json", "data", "payload")
"""A field that holds the whole message as JSON; without one the fields are the message."""

T = TypeVar("T")


class RedisSource:
    """Entries of a Redis stream.

    address  `redis://host:port/stream` or `redis://host:port/database/stream`; `rediss://` for TLS. `?group=NAME` names
             the consumer group (default: insula), `?idle=5m` the time after which entries that a consumer does not
             confirm go to another (default: 1m)
    follow   wait for further entries; otherwise it ends when every entry is confirmed, which takes as long as `idle` if
             another consumer died
    """

    def __init__(self, address: str, *, follow: bool = False) -> None:
        given, database = _split_address(address)
        self._stream = given.path[-1]
        self._group = given.options.get("group", GROUP)
        self.address = f"{given.shown}/{database}/{self._stream}"
        self.name = self.address
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._redis: Redis = Redis.from_url(
            f"{given.server}/{database}", socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, decode_responses=False
        )
        self._follow = follow
        self._idle = 1000 * parse_duration(given.options.get("idle", IDLE), name="idle time")
        self._is_grouped = False
        self._claim_from: bytes | str = "0-0"
        self._may_hold = False
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether nothing is left and the stream is not followed."""
        return self._ended

    def resume(self, position: str | None) -> str | None:
        """Do nothing: the consumer group keeps the position of the last confirmed entry."""

    def read(self, most: int, wait: float) -> Sequence[StreamEntry]:
        """Return entries that were delivered and not confirmed, then new ones."""
        return self._ask(lambda: self._read(most, wait))

    def confirm(self, entries: Sequence[StreamEntry]) -> None:
        """Tell the group that these entries are done."""
        if entries:
            self._ask(lambda: self._redis.xack(self._stream, self._group, *(entry.position for entry in entries)))

    def reject(self, entry: StreamEntry, reason: str) -> None:
        """Copy an entry to the stream of rejected entries; a crash may duplicate it."""
        row: dict[Any, Any] = {"id": entry.position, "reason": reason, "raw": entry.content}
        self._ask(lambda: self._redis.xadd(f"{self._stream}{REJECTED}", row))

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _read(self, most: int, wait: float) -> list[StreamEntry]:
        if not self._is_grouped:
            self._create_group()
        found = self._read_group("0", most, None) if self._may_hold else []
        self._may_hold = bool(found)
        # `block=0` would wait for ever.
        block = max(1, round(wait * 1000)) if self._follow else None
        found = found or self._claim(most) or self._read_group(">", most, block)
        if not found and not self._follow:
            self._ended = not self._redis.xpending(self._stream, self._group)["pending"]
            if not self._ended:  # another consumer works on them, or has died
                time.sleep(wait)
        return found

    def _read_group(self, start: str, most: int, block: int | None) -> list[StreamEntry]:
        """Return new entries (`>`), or those that this consumer got and did not confirm (`0`)."""
        answer: Any = self._redis.xreadgroup(
            self._group, self._consumer, {self._stream: start}, count=most, block=block
        )
        rows = (
            answer.get(self._stream.encode(), [[]])[0] if isinstance(answer, dict) else (answer[0][1] if answer else [])
        )
        return self._build_entries(rows)

    def _claim(self, most: int) -> list[StreamEntry]:
        """Take over entries that another consumer has held for too long without confirming them."""
        answer: Any = self._redis.xautoclaim(
            self._stream, self._group, self._consumer, self._idle, start_id=self._claim_from, count=most
        )
        self._claim_from = answer[0]
        return self._build_entries(answer[1])

    def _build_entries(self, rows: Sequence[Any]) -> list[StreamEntry]:
        """Return entries; confirm those that were deleted from the stream, which would be pending for ever."""
        deleted = [position for position, fields in rows if not fields]
        if deleted:
            self._redis.xack(self._stream, self._group, *deleted)
        return [_build_entry(position, fields) for position, fields in rows if fields]

    def _create_group(self) -> None:
        try:
            self._redis.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):  # it exists
                raise
        self._is_grouped = True

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except RedisError as error:
            # A server that lost its data has no group; one that did not may have delivered what never arrived.
            self._is_grouped, self._may_hold = False, True
            raise StreamError(
                f"The stream {self.address} does not answer: {error}. Check that Redis is running."
            ) from error


def _split_address(address: str) -> tuple[BrokerAddress, str]:
    """Return the parts of an address, and the number of its database."""
    form = "redis://HOST:PORT/STREAM or redis://HOST:PORT/DATABASE/STREAM"
    found = split_address(address, "Redis", form, ("group=NAME", "idle=SPAN"), most_parts=2)
    database, *rest = ("0", *found.path) if len(found.path) == 1 else found.path
    if not rest or not database.isdecimal():
        raise SettingsError(
            f"The database of a Redis stream must be a number, as in redis://HOST:PORT/0/STREAM. Got {database!r}. "
            "Write redis://HOST:PORT/STREAM, or put the database number before the stream name."
        )
    return found, database


def _build_entry(position: bytes, fields: dict[bytes, bytes]) -> StreamEntry:
    place = position.decode()
    named = {name.decode("utf-8", "replace"): value for name, value in fields.items()}
    for name in JSON_FIELDS:
        if named.get(name, b"").lstrip().startswith(b"{"):
            return StreamEntry(place, named[name])
    try:
        row = {name: value.decode("utf-8") for name, value in named.items()}
    except UnicodeDecodeError as error:
        raw = json.dumps({name: value.decode("utf-8", "replace") for name, value in named.items()}, ensure_ascii=False)
        return StreamEntry(place, raw.encode(), f"it is not UTF-8 (byte {error.start + 1} of a field)")
    return StreamEntry(place, json.dumps(row, ensure_ascii=False).encode())
