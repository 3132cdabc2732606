"""`MessageSource`: the interface of message streams: a file, standard input, a broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_BYTES = 1 << 20  # of one entry; a line without an end must not fill the memory


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One entry of a stream.

    position  its place in the stream, never given to another entry of it
    content   one JSON object in UTF-8
    problem   why it cannot be read, if its source found that already
    """

    position: str
    content: bytes
    problem: str | None = None


class MessageSource(Protocol):
    """A stream that is read in batches. Delivery is at least once: an entry comes again until it is confirmed.

    name     of the stream, under which the store keeps its position and its windows
    address  as the user wrote it, without a password
    ended    whether no further entry will come
    """

    name: str
    address: str

    @property
    def ended(self) -> bool:
        """Whether no further entry will come."""

    def resume(self, position: str | None) -> str | None:
        """Continue after the last position that was stored; None starts at the beginning.

        Returns a sentence if entries in between can no longer be read. Brokers know their position themselves.
        """

    def read(self, most: int, wait: float) -> Sequence[StreamEntry]:
        """Return up to `most` entries; none if none comes within `wait` seconds, or ever. Raises `StreamError`."""

    def confirm(self, entries: Sequence[StreamEntry]) -> None:
        """Say that the effect of these entries is stored. Raises `StreamError`."""

    def reject(self, entry: StreamEntry, reason: str) -> None:
        """Put an entry that cannot be read where people find it, with the reason. Raises `StreamError`."""

    def close(self) -> None:
        """Release connections and files."""
