"""`open_source`: opens a stream by its address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from insula.core.environment import require
from insula.core.errors import CHOOSE, UnknownNameError, suggest
from insula.operations.streams.file_source import FileSource
from insula.operations.streams.source import MessageSource
from insula.operations.streams.standard_input import StandardInput

Opener = Callable[[str, bool], MessageSource]


def open_source(address: str | Path, *, follow: bool = False, rejects: str | Path | None = None) -> MessageSource:
    """Open a stream.

    address  a file of JSON Lines, `-` for standard input, `redis://host:port/stream`, or `nats://host:port/stream`
    follow   wait for further messages when there is none
    rejects  the file of lines that cannot be read (default: next to the stream); brokers have a stream for them

    Raises `UnknownNameError` for another kind of address, `MissingFileError`, `MissingExtraError`, `SettingsError`.
    """
    text = str(address)
    if text == "-":
        return StandardInput(rejects=rejects)
    kind = urlsplit(text).scheme if "://" in text else ""
    if not kind:
        return FileSource(address, follow=follow, rejects=rejects)
    if kind not in BROKERS:
        raise UnknownNameError(
            f"The stream must be a file, - or an address that starts with {', '.join(f'{one}://' for one in BROKERS)}. "
            f"Got {kind}://.{suggest(kind, BROKERS, CHOOSE)}"
        )
    return BROKERS[kind](text, follow)


def _open_redis(address: str, follow: bool) -> MessageSource:
    require("redis", extra="redis", purpose="read a stream of Redis")
    from insula.operations.streams.redis_source import RedisSource

    return RedisSource(address, follow=follow)


def _open_nats(address: str, follow: bool) -> MessageSource:
    require("nats", extra="nats", purpose="read a stream of NATS")
    from insula.operations.streams.nats_source import NatsSource

    return NatsSource(address, follow=follow)


BROKERS: Mapping[str, Opener] = {"redis": _open_redis, "rediss": _open_redis, "nats": _open_nats, "tls": _open_nats}
