"""`LineSplitter`: lines of a stream of bytes, each with the offset where it ends, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

from insula.operations.streams.source import MAX_BYTES, StreamEntry

TOO_LONG = f"the line has more than {MAX_BYTES:,} bytes"


class LineSplitter:
    """Splits chunks of bytes at line feeds.

    offset  of the first byte that will be fed
    prefix  of the positions of the entries
    """

    def __init__(self, offset: int = 0, prefix: str = "") -> None:
        self.offset = offset
        self._prefix = prefix
        self._rest = bytearray()
        self._skips = False  # inside a line that is too long: its bytes are dropped up to its end

    @property
    def has_partial_line(self) -> bool:
        """Whether a line has begun and not ended."""
        return bool(self._rest) or self._skips

    def feed(self, chunk: bytes) -> Iterator[StreamEntry]:
        """Yield the lines that end in a chunk; blank ones are left out."""
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._rest += chunk[start:end]
            start = end + 1
            yield from self._take(self.offset + start)
        self.offset += len(chunk)
        self._rest += chunk[start:]
        if len(self._rest) > MAX_BYTES:
            self._skips = True
            del self._rest[1000:]

    def finish(self) -> Iterator[StreamEntry]:
        """Yield the last line, if it has no line feed."""
        if self.has_partial_line:
            yield from self._take(self.offset)

    def _take(self, end: int) -> Iterator[StreamEntry]:
        line = bytes(self._rest).strip()
        too_long = self._skips or len(self._rest) > MAX_BYTES
        self._rest.clear()
        self._skips = False
        if too_long:
            yield StreamEntry(f"{self._prefix}{end}", line[:1000], TOO_LONG)
        elif line:
            yield StreamEntry(f"{self._prefix}{end}", line)
