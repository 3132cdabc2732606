"""File to file: rows in, rows with predictions out, in flat memory; what cannot be read is set aside, with its line."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.prediction import Prediction
from insula.core.progress import Progress, Silent
from insula.data.columns import find_text_column
from insula.data.formats import open_rows
from insula.data.row_writer import RowWriter
from insula.data.rows import Reject, Row
from insula.data.writers import open_writer
from insula.inference.predictor import CHUNK, Predictor

PREDICTED = ("label", "labels", "scores", "confidence", "abstained")


@dataclass(frozen=True)
class FileResult:
    """What became of a file.

    rows      how many were predicted
    rejected  how many could not be read or had no text
    rejects   the file that holds the latter, None where there were none
    warnings  sentences on what was repaired on the way
    """

    output: Path
    rows: int
    rejected: int
    rejects: Path | None
    seconds: float
    warnings: tuple[str, ...]


def predict_file(
    predictor: Predictor,
    source: str | Path,
    output: str | Path,
    *,
    text: str | None = None,
    rejects: str | Path | None = None,
    input_format: str | None = None,
    output_format: str | None = None,
    progress: Progress | None = None,
) -> FileResult:
    """Predict every row of `source` into `output`, in order; all its columns come along.

    An input column that bears the name of a predicted one (`label`, `labels`, `scores`, `confidence`, `abstained`) is
    kept as `input_NAME`. Nothing stands under `output` until the last row is written.
    """
    progress = progress or Silent()
    aside = _Rejects(Path(rejects) if rejects is not None else Path(f"{output}.rejects.jsonl"))
    began = time.monotonic()
    rows = 0
    with (
        aside,
        open_rows(source, batch_size=CHUNK, format=input_format, on_reject=aside.add) as reader,
        open_writer(output, format=output_format) as writer,
    ):
        column = find_text_column(reader.columns, text, str(source))
        progress.start("predicting")
        for batch in reader:
            readable = list(_with_text(batch.rows, batch.lines, column, aside))
            predictions = predictor.predict([row[column] for row in readable])
            _write(writer, readable, predictions, column)
            rows += len(readable)
            progress.advance(len(batch.rows))
        progress.finish()
        warnings = tuple(reader.warnings)
    return FileResult(
        output=Path(output),
        rows=rows,
        rejected=aside.count,
        rejects=aside.path if aside.count else None,
        seconds=time.monotonic() - began,
        warnings=warnings,
    )


def _with_text(rows: list[Row], lines: list[int], column: str, aside: _Rejects) -> Iterator[Row]:
    for row, line in zip(rows, lines, strict=True):
        value = row.get(column)
        if isinstance(value, str) and value.strip():
            yield row
        elif value is None or value == "" or isinstance(value, str):
            aside.add(Reject(line, f"no text in column {column!r}", str(row)[:1000]))
        else:
            yield {**row, column: str(value)}


def _write(writer: RowWriter, rows: list[Row], predictions: list[Prediction], column: str) -> None:
    out: list[dict[str, Any]] = []
    for row, prediction in zip(rows, predictions, strict=True):
        kept = {f"input_{name}" if name in PREDICTED else name: value for name, value in row.items()}
        answer = prediction.to_dict()
        out.append(kept | {name: answer[name] for name in PREDICTED})
    if out:
        writer.write(out)


class _Rejects(contextlib.AbstractContextManager["_Rejects"]):
    """The file of rows set aside; made only when there is one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._open = contextlib.ExitStack()
        self._writer: RowWriter | None = None

    def add(self, reject: Reject) -> None:
        """Set a row aside."""
        if self._writer is None:
            self._writer = self._open.enter_context(open_writer(self.path, format="jsonl"))
        self._writer.write([{"line": reject.line, "reason": reject.reason, "raw": reject.raw}])
        self.count += 1

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)
