"""`RowReader`: rows of a file in batches, whatever its format, with the rows that could not be read set aside."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from insula.data.formats.text_lines import TextLines

Row = dict[str, Any]
RAW_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Some rows and, for each, its 1-based line number in the source (row number in Parquet and Arrow)."""

    rows: list[Row]
    lines: list[int]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read: where it stands, why, and its first `RAW_CHARACTERS` as they are."""

    line: int
    reason: str
    raw: str


class RowReader:
    """Iterates `RowBatch`es once; a context manager.

    path          where the rows come from, for messages
    columns       names of the columns; for JSON, of the keys in the first batch
    open_columns  True where later rows may have others, as in JSON, or objects with other keys
    types         column to its Arrow type, where the format states types; else empty
    encoding      of the text below; None for binary formats
    rejects       rows that could not be read; stays empty where `on_reject` was given, which is called instead
    reject_count  how many there were either way
    """

    def __init__(self, path: str, *, batch_size: int = 8192, on_reject: Callable[[Reject], None] | None = None) -> None:
        if batch_size < 1:
            raise ValueError(f"The batch_size of open_rows must be at least 1. Got {batch_size}.")
        self.path = path
        self.columns: tuple[str, ...] = ()
        self.open_columns = False
        self.types: Mapping[str, Any] = {}
        self.rejects: list[Reject] = []
        self.reject_count = 0
        self._batch_size = batch_size
        self._on_reject = on_reject or self.rejects.append

    @property
    def encoding(self) -> str | None:
        """Name of the text encoding as far as it is known."""
        return None

    @property
    def share_read(self) -> float | None:
        """How much of the source was read, from 0 to 1; None where that is not known."""
        return None

    @property
    def warnings(self) -> list[str]:
        """Sentences about what was repaired so far; complete after the last batch."""
        return []

    def __iter__(self) -> Iterator[RowBatch]:
        """Yield batches of at most `batch_size` rows."""
        numbered = self._numbered_rows()
        while chunk := list(itertools.islice(numbered, self._batch_size)):
            yield RowBatch([row for _, row in chunk], [line for line, _ in chunk])

    def __enter__(self) -> RowReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""

    def reject(self, line: int, reason: str, raw: str = "") -> None:
        """Set a row aside."""
        self.reject_count += 1
        self._on_reject(Reject(line, reason, raw[:RAW_CHARACTERS]))

    def _numbered_rows(self) -> Iterator[tuple[int, Row]]:
        raise NotImplementedError


class TextRows(RowReader):
    """What the readers of text formats have in common: the decoded lines below them."""

    def __init__(
        self,
        lines: TextLines,
        path: str,
        *,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
    ) -> None:
        super().__init__(path, batch_size=batch_size, on_reject=on_reject)
        self._text = lines

    @property
    def encoding(self) -> str | None:
        """Name of the text encoding as far as it is known."""
        return self._text.encoding

    @property
    def share_read(self) -> float | None:
        """How much of the file's bytes was read."""
        return self._text.share_read

    @property
    def warnings(self) -> list[str]:
        """Sentences about what was repaired so far."""
        return self._text.warnings

    def close(self) -> None:
        """Let go of the file."""
        self._text.close()


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of columns, one that stood before with the number of its column behind it."""
    found: dict[str, None] = {}
    for number, name in enumerate(names, start=1):
        while name in found:
            name = f"{name}_{number}"
        found[name] = None
    return tuple(found)


class MemoryRows(RowReader):
    """Rows that are at hand already, numbered from 1."""

    def __init__(self, path: str, rows: Iterable[Row], columns: tuple[str, ...], *, batch_size: int = 8192) -> None:
        super().__init__(path, batch_size=batch_size)
        self.columns = columns
        self._rows = rows

    def _numbered_rows(self) -> Iterator[tuple[int, Row]]:
        return enumerate(self._rows, start=1)
