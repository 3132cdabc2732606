"""Check the texts in a file of rows: each row is written with the columns of its check."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from insula.core.outputs import require_different
from insula.core.progress import Progress, Silent
from insula.data.cell_paths import build_cell_getter
from insula.data.columns import find_text_columns
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows, scan_rows
from insula.data.formats.writers import open_writer
from insula.data.labels.cells import as_name, is_missing, is_not_text
from insula.data.renamed_columns import RenamedColumns

CheckTexts = Callable[[Sequence[str]], Sequence[dict[str, Any]]]
_ROWS_PER_BATCH = 512


@dataclass(frozen=True)
class CheckedFile:
    """The result of checking a file.

    output    the file written
    rows      number of rows written
    counts    number of rows by the value of the column that is counted
    rejected  number of rows that could not be read and were left out; `first_reject` gives line and reason of the first
    seconds   wall-clock time
    warnings  sentences on what was repaired while reading
    """

    output: Path
    rows: int
    counts: dict[str, int]
    rejected: int
    first_reject: str | None
    seconds: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self) | {
            "output": str(self.output),
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
        }


def check_rows(
    source: str | Path,
    output: str | Path,
    check: CheckTexts,
    *,
    added: Sequence[str],
    counted: str,
    text: str | Sequence[str] | None = None,
    reading: ReadOptions = DETECTED,
    progress: Progress | None = None,
) -> CheckedFile:
    """Write every row of `source` to `output` with the columns that `check` returns for its text.

    check    from texts to the new columns of their rows; a cell without a text is checked as an empty text
    added    the names of these columns; columns of the input with such a name are renamed to `input_NAME`
    counted  the one of them whose values are counted

    `output` appears when the last row is written. Raises `DataError`, `MissingFileError`, `OutputError`.
    """
    if str(source) != STDIN:
        require_different(output, source)
    progress = progress or Silent()
    started = time.monotonic()
    counts: Counter[str] = Counter()
    with open_rows(source, batch_size=_ROWS_PER_BATCH, **reading._asdict()) as reader:
        read = build_cell_getter(find_text_columns(reader.columns, text, repr(str(source))), reader.columns)
        kept = RenamedColumns(reader.columns, added)
        fixed = None if reader.columns_vary else [*kept.renamed_columns, *added]
        read_twice = reader.columns_vary and Path(source).is_file()
        scan = scan_rows(source, batch_size=_ROWS_PER_BATCH, reading=reading, progress=progress) if read_twice else ()
        every = ([kept.rename_columns(row) | dict.fromkeys(added) for row in rows] for rows in scan)
        types = kept.rename_types(reader.types)
        with open_writer(output, columns=fixed, types=types, every=every if read_twice else None) as writer:
            progress.start("checking")
            try:
                for batch in reader:
                    found = check([_as_text(read(row)) for row in batch.rows])
                    writer.write([kept.rename_columns(row) | new for row, new in zip(batch.rows, found, strict=True)])
                    counts.update(str(new[counted]) for new in found)
                    progress.advance(len(batch.rows))
            finally:
                progress.finish()
        return CheckedFile(
            output=Path(output),
            rows=counts.total(),
            counts=dict(sorted(counts.items())),
            rejected=reader.reject_count,
            first_reject=reader.first_reject,
            seconds=time.monotonic() - started,
            warnings=tuple(reader.warnings),
        )


def _as_text(cell: Any) -> str:
    if is_missing(cell):
        return ""
    return cell if isinstance(cell, str) else str(cell) if is_not_text(cell) else as_name(cell)
