"""Rows masked on their way from file to file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, nearest
from insula.core.outputs import require_different
from insula.core.progress import Progress, Silent
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import every_row, open_rows
from insula.data.formats.row_reader import Row
from insula.data.formats.writers import open_writer

MaskText = Callable[[str], tuple[str, dict[str, int]]]
_ROWS_A_TIME = 2048


@dataclass(frozen=True)
class MaskedFile:
    """What became of a file.

    output    where the rows stand
    rows      how many were written; `altered` of them are no longer what they were
    counts    how much was masked, by kind
    rejected  how many rows could not be read and are left out; `first_reject` says where the first stands, and why
    warnings  sentences on what was repaired on the way
    """

    output: Path
    rows: int
    altered: int
    counts: dict[str, int]
    rejected: int
    first_reject: str | None
    seconds: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        return {
            "output": str(self.output),
            "rows": self.rows,
            "altered": self.altered,
            "counts": self.counts,
            "rejected": self.rejected,
            "first_reject": self.first_reject,
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
        }


def mask_rows(
    source: str | Path,
    output: str | Path,
    mask_text: MaskText,
    *,
    columns: Sequence[str] | None = None,
    input_format: str | None = None,
    output_format: str | None = None,
    progress: Progress | None = None,
) -> MaskedFile:
    """Write every row of `source` to `output` with its texts masked, also those inside lists and objects.

    columns  which ones; all where None

    Nothing stands under `output` until the last row is written. Raises `DataError`, `MissingFileError`, `OutputError`.
    """
    if str(source) != STDIN:
        require_different(output, source)
    progress = progress or Silent()
    began = time.monotonic()
    tally = _Tally(mask_text, None if columns is None else frozenset(columns))
    with open_rows(source, batch_size=_ROWS_A_TIME, format=input_format) as reader:
        fixed = None if reader.open_columns else reader.columns
        ahead = reader.open_columns and Path(source).is_file()
        every = partial(every_row, source, batch_size=_ROWS_A_TIME, format=input_format, progress=progress)
        _require_columns(columns, reader.columns, str(source), every() if ahead else ())
        with open_writer(
            output, format=output_format, columns=fixed, types=reader.types, every=every() if ahead else None
        ) as writer:
            progress.start("masking")
            try:
                for batch in reader:
                    writer.write([tally.masked(row) for row in batch.rows])
                    progress.advance(len(batch.rows))
            finally:
                progress.finish()
        first = reader.rejects[0] if reader.rejects else None
        return MaskedFile(
            output=Path(output),
            rows=tally.rows,
            altered=tally.altered,
            counts=dict(sorted(tally.counts.items())),
            rejected=reader.reject_count,
            first_reject=None if first is None else f"line {first.line}: {first.reason}",
            seconds=time.monotonic() - began,
            warnings=tuple(reader.warnings),
        )


def _require_columns(
    wanted: Collection[str] | None, first: Sequence[str], source: str, every: Iterable[list[Row]]
) -> None:
    """Raise `DataError` where a column is in none of the rows; all are asked only where the first ones lack it."""
    there = dict.fromkeys(first)
    if not there.keys() >= set(wanted or ()):
        there |= dict.fromkeys(name for rows in every for row in rows for name in row)
    for column in wanted or ():
        if column not in there:
            raise DataError(
                f"A column to mask must be one of {', '.join(there)}, those of {source!r}. "
                f"Got {column!r}.{nearest(column, there)}"
            )


class _Tally:
    """Masks rows and counts what was masked."""

    def __init__(self, mask_text: MaskText, columns: frozenset[str] | None) -> None:
        self.rows = self.altered = 0
        self.counts: Counter[str] = Counter()
        self._mask = mask_text
        self._columns = columns

    def masked(self, row: Row) -> Row:
        before = self.counts.total()
        new = {
            name: self._value(value) if self._columns is None or name in self._columns else value
            for name, value in row.items()
        }
        self.rows += 1
        self.altered += self.counts.total() > before
        return new

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            text, counts = self._mask(value)
            self.counts.update(counts)
            return text
        if isinstance(value, list | tuple):
            return [self._value(one) for one in value]
        if isinstance(value, dict):
            return {name: self._value(one) for name, one in value.items()}
        return value
