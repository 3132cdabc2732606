"""Rejected rows: those that cannot be read or have no text, with their line and the reason."""

from __future__ import annotations

import contextlib
import errno
import json
from pathlib import Path
from typing import Any

from insula.core.errors import OutputError
from insula.data.formats.row_reader import RAW_CHARACTERS, Reject
from insula.data.formats.row_writer import RowWriter
from insula.data.formats.writers import open_writer

_KEYS = ("line", "reason", "raw")


class Rejects(contextlib.AbstractContextManager["Rejects"]):
    """The file of rejected rows. It is written only if there are any, and never replaces another kind of file.

    path         the file; None to count the rows only
    is_required  whether the caller named the file: then it is an error if it cannot be written, or if it holds anything
                 but rejected rows. Otherwise rejected rows are then only counted

    `first` is the first rejected row, None if there is none.
    """

    def __init__(self, path: Path | None, *, is_required: bool) -> None:
        self.path = path
        self.count = 0
        self.first: Reject | None = None
        self.is_writable = path is not None and _is_replaceable(path)
        if path is not None and is_required and not self.is_writable:
            raise OutputError(
                f"The rejects file {str(path)!r} exists and contains something other than rejected rows. Choose "
                "another name."
            )
        self._is_required = is_required
        self._open = contextlib.ExitStack()
        self._writer: RowWriter | None = None

    def add(self, reject: Reject) -> None:
        """Reject a row."""
        self.count += 1
        self.first = self.first or reject
        if self._writer is None and self.path is not None and self.is_writable:
            try:
                self._writer = self._open.enter_context(open_writer(self.path, format="jsonl"))
            except OutputError:
                if self._is_required:
                    raise
                self.is_writable = False
        if self._writer is not None:
            self._writer.write([dict(zip(_KEYS, (reject.line, reject.reason, reject.raw), strict=True))])

    def remove_stale(self) -> None:
        """Remove the file of an earlier run if this run rejected no row and the caller did not name the file."""
        if not self.count and not self._is_required and self.path is not None and self.is_writable:
            self.path.unlink(missing_ok=True)

    def __exit__(self, *error: Any) -> None:
        try:
            self._open.__exit__(*error)
        except OutputError:
            if self._is_required:
                raise
            self.is_writable = False


def _is_replaceable(path: Path) -> bool:
    """Return False if `path` holds a file of the user: one that is not empty and does not start with a rejected row."""
    try:
        if not path.is_file() or path.stat().st_size == 0:
            return True
        with path.open("rb") as file:
            row = json.loads(file.readline(8 * RAW_CHARACTERS + 10_000))
    except OSError as error:  # a name that is too long has no file; writing to it reports the reason
        return error.errno == errno.ENAMETOOLONG
    except ValueError:
        return False
    return isinstance(row, dict) and tuple(row) == _KEYS
