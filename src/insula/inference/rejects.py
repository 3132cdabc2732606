"""Rows set aside: those that cannot be read or have no text, with their line and the reason."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from insula.core.errors import OutputError
from insula.data.formats.row_reader import Reject
from insula.data.formats.row_writer import RowWriter
from insula.data.formats.writers import open_writer


class Rejects(contextlib.AbstractContextManager["Rejects"]):
    """The file of rows set aside; made only when there is one.

    `asked_for` where the caller named it: then a place that cannot be written is an error, else they are only counted.
    """

    def __init__(self, path: Path, *, asked_for: bool) -> None:
        self.path = path
        self.kept = True
        self._asked_for = asked_for
        self.count = 0
        self._open = contextlib.ExitStack()
        self._writer: RowWriter | None = None

    def add(self, reject: Reject) -> None:
        """Set a row aside."""
        self.count += 1
        if self._writer is None and self.kept:
            try:
                self._writer = self._open.enter_context(open_writer(self.path, format="jsonl"))
            except OutputError:
                if self._asked_for:
                    raise
                self.kept = False
        if self._writer is not None:
            self._writer.write([{"line": reject.line, "reason": reject.reason, "raw": reject.raw}])

    def remove_stale(self) -> None:
        """Take away the file of an earlier run where this one set nothing aside and nobody named the place."""
        if not self.count and not self._asked_for:
            self.path.unlink(missing_ok=True)

    def __exit__(self, *error: Any) -> None:
        try:
            self._open.__exit__(*error)
        except OutputError:
            if self._asked_for:
                raise
            self.kept = False
