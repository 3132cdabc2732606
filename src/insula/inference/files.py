"""File to file: rows in, rows with predictions out, in flat memory; what cannot be read is set aside, with its line."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, OutputError
from insula.core.prediction import Prediction
from insula.core.progress import Progress, Silent
from insula.core.scheme import LabelScheme
from insula.data.byte_source import STDIN
from insula.data.columns import find_text_column
from insula.data.formats import format_of, open_rows
from insula.data.label_cells import as_name, is_missing
from insula.data.row_reader import Reject, Row, RowReader
from insula.data.row_writer import RowWriter
from insula.data.writers import STDOUT, open_writer
from insula.inference.predicted_columns import PredictedColumns
from insula.inference.predictor import CHUNK, Predictor

RAW_CHARACTERS = 1000

Sink = Callable[[list[Prediction]], None]


@dataclass(frozen=True)
class FileResult:
    """What became of a file.

    output    where the predictions stand, None where a function took them
    rows      how many were predicted
    rejected  how many could not be read or had no text
    rejects   the file that holds the latter, None where there were none
    warnings  sentences on what was repaired on the way
    """

    output: Path | None
    rows: int
    rejected: int
    rejects: Path | None
    seconds: float
    warnings: tuple[str, ...]


def predict_file(
    predictor: Predictor,
    source: str | Path,
    output: str | Path | Sink,
    *,
    text: str | None = None,
    rejects: str | Path | None = None,
    input_format: str | None = None,
    output_format: str | None = None,
    progress: Progress | None = None,
) -> FileResult:
    """Predict every row of `source` into `output`, in order; all its columns come along.

    output    a file, `-` for standard output, or a function that takes the predictions, some thousands at a time
    rejects   default: `OUTPUT.rejects.jsonl`, else `SOURCE.rejects.jsonl` in the working folder

    Columns that clash are renamed (`PredictedColumns`); plain lines hold the decided labels alone, joined by `|`.
    Nothing stands under `output` until the last row is written. Raises `DataError`, `MissingFileError`, `OutputError`.
    """
    progress = progress or Silent()
    place = Path(rejects) if rejects is not None else _default_rejects(source, output)
    aside = _Rejects(place, asked_for=rejects is not None)
    _require_different(source, output, aside.path)
    began = time.monotonic()
    rows = seen = 0
    with aside, open_rows(source, batch_size=CHUNK, format=input_format, on_reject=aside.add) as reader:
        column = find_text_column(reader.columns, text, repr(str(source)))
        with _taker(output, output_format, reader, column, predictor.scheme) as take, _drawn(progress):
            for some, predictions in _answered(predictor, reader, column, aside):
                take(some, predictions)
                rows += len(some)
                rate = rows / max(time.monotonic() - began, 1e-9)
                progress.advance(rows + aside.count - seen, **{"rows/s": rate})
                seen = rows + aside.count
        warnings = tuple(reader.warnings)
    if not aside.count and rejects is None:
        aside.path.unlink(missing_ok=True)  # of an earlier run: it says nothing about this output
    return FileResult(
        output=None if callable(output) else Path(output),
        rows=rows,
        rejected=aside.count,
        rejects=aside.path if aside.count and aside.kept else None,
        seconds=time.monotonic() - began,
        warnings=warnings,
    )


def _answered(
    predictor: Predictor, reader: RowReader, column: str, aside: _Rejects
) -> Iterator[tuple[list[Row], list[Prediction]]]:
    for batch in reader:
        rows, texts = [], []
        for row, line in zip(batch.rows, batch.lines, strict=True):
            value = row.get(column)
            if is_missing(value):
                aside.add(Reject(line, f"no text in column {column!r}", str(row)[:RAW_CHARACTERS]))
            elif isinstance(value, list | dict):
                aside.add(Reject(line, f"column {column!r} holds no text but a list", str(row)[:RAW_CHARACTERS]))
            else:
                rows.append(row)
                texts.append(value if isinstance(value, str) else as_name(value))
        if rows:
            yield rows, predictor.predict(texts)


@contextlib.contextmanager
def _taker(
    output: str | Path | Sink, output_format: str | None, reader: RowReader, text: str, scheme: LabelScheme
) -> Iterator[Callable[[list[Row], list[Prediction]], None]]:
    """Yield what brings rows and their predictions into `output`."""
    if callable(output):
        yield lambda _, predictions: output(predictions)
        return
    kind = output_format or ("jsonl" if str(output) == STDOUT else format_of(output))
    if kind == "lines" and scheme.kind == "dimensional":
        raise DataError("Plain lines hold labels, and this model gives values. Name a .jsonl, .csv or .parquet file.")
    joined = PredictedColumns(reader.columns, scheme, text=text, named_text=kind in ("jsonl", "json"))
    binary = kind in ("parquet", "arrow")
    types = joined.arrow_types(reader.types) if binary else None
    with contextlib.ExitStack() as stack:
        writer: RowWriter | None = None

        def take(rows: list[Row], predictions: list[Prediction]) -> None:
            nonlocal writer
            if writer is None:
                only = ["labels"] if kind == "lines" else None
                writer = stack.enter_context(open_writer(output, format=kind, columns=only, types=types))
            writer.write([joined.joined(*pair) for pair in zip(rows, predictions, strict=True)])

        yield take
        if writer is None:  # no rows: a table still has its header
            columns = joined.names(flat=not binary)
            stack.enter_context(open_writer(output, format=kind, columns=columns, types=types))


@contextlib.contextmanager
def _drawn(progress: Progress) -> Iterator[None]:
    progress.start("predicting")
    try:
        yield
    finally:
        progress.finish()


def _default_rejects(source: str | Path, output: str | Path | Sink) -> Path:
    if callable(output) or str(output) == STDOUT:
        name = "stdin" if str(source) == STDIN else Path(source).name
        return Path(f"{name}.rejects.jsonl")
    return Path(f"{output}.rejects.jsonl")


def _require_different(source: str | Path, output: str | Path | Sink, rejects: Path) -> None:
    places = {"rejects": rejects.resolve()}
    if not callable(output) and str(output) != STDOUT:
        places["output"] = Path(output).resolve()
    if str(source) != STDIN:
        places["input"] = Path(source).resolve()
    if len(set(places.values())) < len(places):
        raise OutputError(
            f"The {', '.join(places)} must be different files. Got {places['rejects'].name!r} for the rejects"
            + (f" and {str(output)!r} for the output" if "output" in places else "")
            + "; choose another name."
        )


class _Rejects(contextlib.AbstractContextManager["_Rejects"]):
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

    def __exit__(self, *error: Any) -> None:
        try:
            self._open.__exit__(*error)
        except OutputError:
            if self._asked_for:
                raise
            self.kept = False
