"""Standard input as a stream: its lines come once and cannot be read again."""

from __future__ import annotations

import os
import select
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from insula.core.errors import StreamError
from insula.operations.streams.line_source import CHUNK, LineSource
from insula.operations.streams.lines import LineSplitter
from insula.operations.streams.source import StreamEntry


class StandardInput(LineSource):
    """Lines of standard input, until it ends. Lines that were read but not stored are lost if the program dies."""

    name = "standard input"
    address = "-"

    def __init__(self, *, rejects: str | Path | None = None, number: int | None = None) -> None:
        super().__init__(rejects)
        self._number = sys.stdin.fileno() if number is None else number
        # Positions of another run must not look like positions of this one.
        self._splitter = LineSplitter(prefix=f"{uuid.uuid4()}:")

    def resume(self, position: str | None) -> str | None:
        """Do nothing: standard input cannot be repositioned."""

    def read(self, most: int, wait: float) -> Sequence[StreamEntry]:
        """Return the available lines."""
        until = time.monotonic() + wait
        while len(self._ready) < most and not self._ended:
            left = 0.0 if self._ready else max(0.0, until - time.monotonic())
            if not self._has_bytes(left):
                break
            try:
                chunk = os.read(self._number, CHUNK)
            except OSError as error:
                raise StreamError(f"Standard input cannot be read: {error.strerror}. Pipe lines in.") from error
            self._ready.extend(self._splitter.feed(chunk) if chunk else self._splitter.finish())
            self._ended = not chunk
        return self._take(most)

    def _has_bytes(self, wait: float) -> bool:
        if sys.platform == "win32":  # select is for sockets there: read and block
            return True
        return bool(select.select([self._number], [], [], wait)[0])
