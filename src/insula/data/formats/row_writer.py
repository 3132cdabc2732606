"""`RowWriter`: the interface of the writers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from insula.data.formats.row_reader import Row


class RowWriter:
    """Writes rows; the first ones fix the columns if none were given (JSON keeps every key of every row)."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str] | None) -> None:
        self._stream = stream
        self._columns = columns

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows. `DataError` if a row does not fit the columns."""
        raise NotImplementedError

    def finish(self) -> None:
        """Write the end of the file; called by `open_writer` after the last row."""

    def close(self) -> None:
        """Release resources, also after an error."""
