"""`RowReader`: read the rows of a file in batches, in any format, and collect the rows that cannot be read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from insula.core.errors import DataError
from insula.data.formats.text_lines import TextLines

Row = dict[str, Any]
RAW_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limits on how much of a text file is in memory at once, for untrusted files.

    line_bytes        longest line, and longest CSV record; enforced to within a block of the file
    batch_characters  characters of the file in one batch, to within a block; a batch may have fewer rows for it
    columns           different column names in the file
    rejects           rows that cannot be read
    text_characters   of a text with its context; `read_input_batches` rejects longer rows

    A reader raises `DataError` for a file beyond one of the first four.
    """

    line_bytes: int
    batch_characters: int
    columns: int
    rejects: int
    text_characters: int


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Rows, and the 1-based line number of each in the source (row number in Parquet and Arrow)."""

    rows: list[Row]
    lines: list[int]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read: its line number, the reason, and its first `RAW_CHARACTERS` unchanged."""

    line: int
    reason: str
    raw: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class RowReader:
    """Iterates `RowBatch`es once; a context manager.

    path          source of the rows, for messages
    columns       column names; for JSON the keys of the first batch
    columns_vary  True if later rows may have other columns, as in JSON, or objects with other keys
    types         column to Arrow type if the format states types, else empty
    value_names   column of numbered labels to number to name, if the file states them
    notes         sentences on how the file is read, which `warnings` start with
    encoding      encoding of a text format; None for binary formats
    rejects       rows that could not be read; empty if `on_reject` was given, which is called instead
    reject_count  number of rows that could not be read, in either case
    """

    columns: tuple[str, ...] = ()

    def __init__(
        self,
        path: str,
        *,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
        limits: ReadLimits | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"The batch_size of open_rows must be at least 1. Got {batch_size}. Use a larger number.")
        self.path = path
        self.columns_vary = False
        self.types: Mapping[str, Any] = {}
        self.value_names: Mapping[str, Mapping[str, str]] = {}
        self.notes: list[str] = []
        self.rejects: list[Reject] = []
        self.reject_count = 0
        self._batch_size = batch_size
        self._on_reject = on_reject or self.rejects.append
        self._limits = limits
        self._names: set[str] = set()

    @property
    def encoding(self) -> str | None:
        """Name of the text encoding, as detected so far."""
        return None

    @property
    def share_read(self) -> float | None:
        """Share of the source that was read, from 0 to 1; None if unknown."""
        return None

    @property
    def first_reject(self) -> str | None:
        """Line and reason of the first of `rejects`; None if there is none."""
        return str(self.rejects[0]) if self.rejects else None

    @property
    def warnings(self) -> list[str]:
        """Sentences on how the file is read and on the repairs so far; complete after the last batch."""
        return list(self.notes)

    def __iter__(self) -> Iterator[RowBatch]:
        """Yield batches of at most `batch_size` rows."""
        numbered = self._iterate_numbered_rows()
        while chunk := self._read_batch(numbered):
            yield RowBatch([row for _, row in chunk], [line for line, _ in chunk])

    def __enter__(self) -> RowReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""

    def reject(self, line: int, reason: str, raw: str = "") -> None:
        """Record a row that could not be read."""
        self.reject_count += 1
        self._on_reject(Reject(line, reason, raw[:RAW_CHARACTERS]))
        if self._limits is not None and self.reject_count > self._limits.rejects:
            raise DataError(
                f"The file {self.path!r} must have at most {self._limits.rejects:,} unreadable rows. Got more. Check "
                "its format.",
                code="many_unreadable_rows",
                most=self._limits.rejects,
            )

    def _read_batch(self, numbered: Iterator[tuple[int, Row]]) -> list[tuple[int, Row]]:
        """Return the rows of the next batch with their lines."""
        limits = self._limits
        if limits is None:
            return list(itertools.islice(numbered, self._batch_size))
        rows, end = [], self._characters_read + limits.batch_characters
        for line, row in numbered:
            self._names.update(row)
            if len(self._names) > limits.columns:
                raise DataError(
                    f"The file {self.path!r} must have at most {limits.columns:,} columns. Got more. Send only the "
                    "columns that you need.",
                    code="many_columns",
                    most=limits.columns,
                )
            rows.append((line, row))
            if len(rows) == self._batch_size or self._characters_read >= end:
                break
        return rows

    @property
    def _characters_read(self) -> int:
        """Number of characters of the file that were read."""
        return 0

    def _iterate_numbered_rows(self) -> Iterator[tuple[int, Row]]:
        raise NotImplementedError


class TextRows(RowReader):
    """Base class of the readers of text formats, which read decoded lines."""

    def __init__(
        self,
        lines: TextLines,
        path: str,
        *,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
        limits: ReadLimits | None = None,
    ) -> None:
        super().__init__(path, batch_size=batch_size, on_reject=on_reject, limits=limits)
        self._text = lines

    @property
    def _characters_read(self) -> int:
        return self._text.characters_read

    @property
    def encoding(self) -> str | None:
        """Name of the text encoding, as detected so far."""
        return self._text.encoding

    @property
    def share_read(self) -> float | None:
        """Share of the bytes that was read."""
        return self._text.share_read

    @property
    def warnings(self) -> list[str]:
        """Sentences on the repairs so far."""
        return [*super().warnings, *self._text.warnings]

    def close(self) -> None:
        """Close the file."""
        self._text.close()


def make_names_unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return column names, each once: a repeated name gets the number of its column as a suffix."""
    found: dict[str, None] = {}
    for number, name in enumerate(names, start=1):
        while name in found:
            name = f"{name}_{number}"
        found[name] = None
    return tuple(found)


class MemoryRows(RowReader):
    """Rows in memory, numbered from 1."""

    def __init__(self, path: str, rows: Iterable[Row], columns: tuple[str, ...], *, batch_size: int = 8192) -> None:
        super().__init__(path, batch_size=batch_size)
        self.columns = columns
        self._rows = rows

    def _iterate_numbered_rows(self) -> Iterator[tuple[int, Row]]:
        return enumerate(self._rows, start=1)
