"""`LineSource`: the common base of file and standard input: buffered lines, an end, a file of rejected lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from insula.operations.streams.rejected_lines import RejectedLineWriter
from insula.operations.streams.source import StreamEntry

CHUNK = 1 << 18  # bytes read at once


class LineSource:
    """A stream of lines; a subclass fills `_ready` and says when it has `_ended`.

    rejects  the file of rejected lines; None only counts them
    """

    def __init__(self, rejects: str | Path | None) -> None:
        self._rejects = RejectedLineWriter(None if rejects is None else Path(rejects))
        self._ready: deque[StreamEntry] = deque()
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether everything was read and no further line will come."""
        return self._ended and not self._ready

    def confirm(self, entries: Sequence[StreamEntry]) -> None:
        """Write rejected lines to the disk; the position itself is in the store."""
        self._rejects.flush()

    def reject(self, entry: StreamEntry, reason: str) -> None:
        """Add a line to the file of rejected lines."""
        self._rejects.add(entry, reason)

    def close(self) -> None:
        """Close the file of rejected lines."""
        self._rejects.close()

    def _take(self, most: int) -> list[StreamEntry]:
        """Return up to `most` of the buffered lines."""
        return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]
