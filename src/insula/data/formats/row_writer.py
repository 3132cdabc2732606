"""`RowWriter`: what a writer of one format does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from insula.data.formats.row_reader import Row


class RowWriter:
    """Takes rows; the first ones fix the columns where none were given (JSON keeps every key of every row)."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str] | None) -> None:
        self._stream = stream
        self._columns = columns

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows. `DataError` where a row does not fit the columns."""
        raise NotImplementedError

    def finish(self) -> None:
        """Write what is left; called by `open_writer` when all rows are written."""

    def close(self) -> None:
        """Let go of what was opened, after an error too."""
