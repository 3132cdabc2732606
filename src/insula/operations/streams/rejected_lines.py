"""`RejectedLineWriter`: the file of lines of a stream that cannot be read, with the reason; made when there is one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

from insula.core.errors import OutputError
from insula.operations.streams.source import StreamEntry

SHOWN = 1000  # bytes of a line


class RejectedLineWriter:
    """Appends rejected lines to a file; does nothing if there is no file."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def add(self, entry: StreamEntry, reason: str) -> None:
        """Add a line. Raises `OutputError` if the file cannot be written."""
        if self.path is None:
            return
        row = {"position": entry.position, "reason": reason, "raw": entry.content[:SHOWN].decode("utf-8", "replace")}
        try:
            if self._file is None:
                opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)  # people's words
                self._file = os.fdopen(opened, "a", encoding="utf-8")
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            raise self._build_write_error(error) from error

    def flush(self) -> None:
        """Write added lines to the disk."""
        if self._file is not None:
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise self._build_write_error(error) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _build_write_error(self, error: OSError) -> OutputError:
        return OutputError(
            f"The rejects file {str(self.path)!r} cannot be written: {error.strerror}. Free space, or choose another "
            "file."
        )
