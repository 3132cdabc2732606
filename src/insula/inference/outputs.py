"""Outputs of predictions: a function, standard output, or a file that is written in parts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from insula.core.errors import DataError
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.data.formats.formats import find_written_format
from insula.data.formats.part_writer import BINARY, DELIMITED, PartWriter
from insula.data.formats.row_reader import Row, RowReader
from insula.data.formats.row_writer import RowWriter
from insula.data.formats.writers import STDOUT, open_writer
from insula.inference.overlap import BackgroundWorker
from insula.inference.parts import Job, OutputParts, open_parts
from insula.inference.predicted_columns import PredictedColumns
from insula.inference.row_batches import RowBatch

Sink = Callable[[list[Prediction]], None]
PredictedBatch = tuple[RowBatch, list[Prediction]]


class Output(Protocol):
    """Receives batches in order.

    finished  numbers of batches that an earlier run finished, and that must be skipped
    """

    finished: frozenset[int]

    def skip(self, batch: RowBatch) -> None:
        """Skip a finished batch."""

    def take(self, batch: RowBatch, predictions: list[Prediction]) -> None:
        """Write the predictions of a batch."""


def choose_output_kind(
    output: str | Path | Sink, asked: str | None, scheme: LabelScheme, *, bom: bool = False
) -> str | None:
    """Return the format of an output, or None for a function.

    Raises `DataError` if it cannot store the predictions, or cannot begin with the byte order mark that `bom` asks for.
    """
    if callable(output):
        return None
    kind = asked or ("jsonl" if str(output) == STDOUT else find_written_format(output))
    if bom and (kind not in DELIMITED or str(output) == STDOUT):
        raise DataError(
            f"Only CSV and TSV files can begin with a byte order mark. Got {str(output)!r}. Choose a .csv or .tsv "
            "file, or leave the mark out."
        )
    if kind == "lines" and scheme.kind == "dimensional":
        raise DataError(
            f"Plain lines can store only labels, but the scheme {scheme.name!r} has values. "
            "Choose a .jsonl, .csv or .parquet file."
        )
    return kind


@contextlib.contextmanager
def open_output(
    output: str | Path | Sink,
    kind: str | None,
    reader: RowReader,
    text: str,
    scheme: LabelScheme,
    *,
    job: Job | None,
    resume: bool,
    bom: bool = False,
    ruled: bool = False,
    all_rows: Iterable[Sequence[Row]] | None = None,
) -> Iterator[Output]:
    """Yield the writer of `output`; a file appears under its name at the end of the block.

    bom       whether a CSV or TSV file begins with a byte order mark
    ruled     whether the model has rules, and rows columns on what they changed
    all_rows  all rows of the input, if their columns or the keys of their objects may differ: a table needs to know
              all columns first, unless it keeps the types of the input
    """
    if callable(output) or kind is None:
        yield _Function(output)  # type: ignore[arg-type]
        return
    joined = PredictedColumns(reader.columns, scheme, text=text, named_text=kind in ("jsonl", "json"), ruled=ruled)
    columns = ["labels"] if kind == "lines" else None
    if str(output) == STDOUT:
        with open_writer(output, format=kind, columns=columns) as writer:
            yield _Stream(writer, joined)
        return
    types = joined.get_arrow_types(reader.types) if kind in BINARY else None
    flat = kind not in BINARY
    part_format = PartWriter(Path(output), kind, columns=columns, types=types, bom=bom)
    with open_parts(Path(output), part_format, job, resume=resume) as parts:
        if all_rows is not None and part_format.is_table and (flat or not reader.types):
            renamed = ([joined.rename_columns(row) for row in rows] for rows in all_rows)
            parts.set_layout(renamed, joined.list_prediction_columns(flat=flat))
        with BackgroundWorker[PredictedBatch](
            lambda answered: parts.write(answered[0].number, _build_rows(joined, *answered))
        ) as behind:
            yield _Parts(parts, joined, behind)
        parts.join(joined.list_columns(flat=flat))


class _Function:
    finished: frozenset[int] = frozenset()

    def __init__(self, function: Sink) -> None:
        self._function = function

    def skip(self, batch: RowBatch) -> None:
        """Do nothing: no batch is finished."""

    def take(self, batch: RowBatch, predictions: list[Prediction]) -> None:
        self._function(predictions)


class _Stream:
    finished: frozenset[int] = frozenset()

    def __init__(self, writer: RowWriter, joined: PredictedColumns) -> None:
        self._writer = writer
        self._joined = joined

    def skip(self, batch: RowBatch) -> None:
        """Do nothing: no batch is finished."""

    def take(self, batch: RowBatch, predictions: list[Prediction]) -> None:
        self._writer.write(_build_rows(self._joined, batch, predictions))


class _Parts:
    """Joins and writes rows in a background thread, so that the model does not wait."""

    def __init__(self, parts: OutputParts, joined: PredictedColumns, behind: BackgroundWorker[PredictedBatch]) -> None:
        self.finished = parts.finished
        self._joined = joined
        self._behind = behind

    def skip(self, batch: RowBatch) -> None:
        self._joined.add_columns(batch.rows)

    def take(self, batch: RowBatch, predictions: list[Prediction]) -> None:
        self._behind.submit((batch, predictions))


def _build_rows(joined: PredictedColumns, batch: RowBatch, predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    return [joined.join(*pair) for pair in zip(batch.rows, predictions, strict=True)]
