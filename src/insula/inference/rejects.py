"""The file of rejected rows: those that cannot be read or have no text, with their line and the reason."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from insula.core.errors import OutputError
from insula.data.formats.row_reader import Reject
from insula.data.formats.row_writer import RowWriter
from insula.data.formats.writers import open_writer


class Rejects(contextlib.AbstractContextManager["Rejects"]):
    """Writes rejected rows to a file, which is created with the first of them.

    is_required  whether the caller named the file: then it is an error if it cannot be written. Otherwise rejected rows
                 are only counted
    """

    def __init__(self, path: Path, *, is_required: bool) -> None:
        self.path = path
        self.is_writable = True
        self._is_required = is_required
        self.count = 0
        self._open = contextlib.ExitStack()
        self._writer: RowWriter | None = None

    def add(self, reject: Reject) -> None:
        """Write a rejected row."""
        self.count += 1
        if self._writer is None and self.is_writable:
            try:
                self._writer = self._open.enter_context(open_writer(self.path, format="jsonl"))
            except OutputError:
                if self._is_required:
                    raise
                self.is_writable = False
        if self._writer is not None:
            self._writer.write([{"line": reject.line, "reason": reject.reason, "raw": reject.raw}])

    def remove_stale(self) -> None:
        """Remove the file of an earlier run if this run rejected no row and the caller did not name the file."""
        if not self.count and not self._is_required:
            self.path.unlink(missing_ok=True)

    def __exit__(self, *error: Any) -> None:
        try:
            self._open.__exit__(*error)
        except OutputError:
            if self._is_required:
                raise
            self.is_writable = False
