"""Mask the texts in a file of rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.outputs import require_different
from insula.core.progress import Progress, Silent
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows, scan_rows
from insula.data.formats.row_reader import Row
from insula.data.formats.writers import open_writer

MaskText = Callable[[str], tuple[str, dict[str, int]]]
_ROWS_PER_BATCH = 2048


@dataclass(frozen=True)
class MaskedFile:
    """The result of masking a file.

    output    the file written
    rows      number of rows written; `altered` of them changed
    counts    number of masked strings by kind
    rejected  number of rows that could not be read and were left out; `first_reject` gives line and reason of the first
    seconds   wall-clock time
    warnings  sentences on what was repaired while reading
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
        """Return plain JSON types."""
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
    reading: ReadOptions = DETECTED,
    output_format: str | None = None,
    progress: Progress | None = None,
) -> MaskedFile:
    """Write every row of `source` to `output` with masked texts, also those inside lists and objects.

    columns  columns to mask (default: all)

    `output` appears when the last row is written. Raises `DataError`, `MissingFileError`, `OutputError`.
    """
    if str(source) != STDIN:
        require_different(output, source)
    progress = progress or Silent()
    started = time.monotonic()
    tally = _Tally(mask_text, None if columns is None else frozenset(columns))
    with open_rows(source, batch_size=_ROWS_PER_BATCH, **reading._asdict()) as reader:
        fixed = None if reader.columns_vary else reader.columns
        read_twice = reader.columns_vary and Path(source).is_file()
        scan = partial(scan_rows, source, batch_size=_ROWS_PER_BATCH, reading=reading, progress=progress)
        _require_columns(columns, reader.columns, str(source), scan() if read_twice else ())
        with open_writer(
            output, format=output_format, columns=fixed, types=reader.types, every=scan() if read_twice else None
        ) as writer:
            progress.start("masking")
            try:
                for batch in reader:
                    writer.write([tally.mask_row(row) for row in batch.rows])
                    progress.advance(len(batch.rows))
            finally:
                progress.finish()
        return MaskedFile(
            output=Path(output),
            rows=tally.rows,
            altered=tally.altered,
            counts=dict(sorted(tally.counts.items())),
            rejected=reader.reject_count,
            first_reject=reader.first_reject,
            seconds=time.monotonic() - started,
            warnings=tuple(reader.warnings),
        )


def _require_columns(
    wanted: Collection[str] | None, first: Sequence[str], source: str, batches: Iterable[list[Row]]
) -> None:
    """Raise `DataError` if no row has a column; all rows are read only if the first ones lack it."""
    known = dict.fromkeys(first)
    if not known.keys() >= set(wanted or ()):
        known |= dict.fromkeys(name for rows in batches for row in rows for name in row)
    for column in wanted or ():
        if column not in known:
            raise DataError(
                f"A column to mask must be one of {', '.join(known)}, the columns of {source!r}. "
                f"Got {column!r}.{suggest(column, known, CHOOSE)}"
            )


class _Tally:
    """Masks rows and counts the masked strings."""

    def __init__(self, mask_text: MaskText, columns: frozenset[str] | None) -> None:
        self.rows = self.altered = 0
        self.counts: Counter[str] = Counter()
        self._mask = mask_text
        self._columns = columns

    def mask_row(self, row: Row) -> Row:
        before = self.counts.total()
        new = {
            name: self._mask_value(value) if self._columns is None or name in self._columns else value
            for name, value in row.items()
        }
        self.rows += 1
        self.altered += self.counts.total() > before
        return new

    def _mask_value(self, value: Any) -> Any:
        if isinstance(value, str):
            text, counts = self._mask(value)
            self.counts.update(counts)
            return text
        if isinstance(value, list | tuple):
            return [self._mask_value(one) for one in value]
        if isinstance(value, dict):
            return {name: self._mask_value(one) for name, one in value.items()}
        return value
