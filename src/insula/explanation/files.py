"""`explain_file`: a file of texts to a file of explanations, one batch at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.outputs import require_different
from insula.core.progress import Progress, Silent
from insula.data.conversations.file_columns import ContextTally, find_file_columns
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows, scan_rows, written_format_of
from insula.data.formats.row_reader import Row
from insula.data.formats.writers import STDOUT, open_writer
from insula.data.options import DataOptions
from insula.explanation.explain import AUTO, explain_input
from insula.explanation.explanation import Explanation
from insula.inference.groups import read_groups
from insula.inference.predicted_columns import RenamedColumns
from insula.inference.predictor import Predictor
from insula.inference.rejects import Rejects

_ROWS_A_TIME = 64
NESTED = ("jsonl", "json")  # formats that keep the explanation as an object; others hold it as JSON text
COLUMNS = ("label", "labels", "score", "method", "explanation")


@dataclass(frozen=True)
class ExplainedFile:
    """The result of explaining a file.

    output    the file written
    rows      number of rows explained
    rejected  number of rows that could not be read or had no text; `first_reject` gives line and reason of the first
    seconds   wall-clock time
    warnings  sentences on context that was not read and on what was repaired while reading
    """

    output: Path
    rows: int
    rejected: int
    first_reject: str | None
    seconds: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **self.__dict__,
            "output": str(self.output),
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
        }


def explain_file(
    predictor: Predictor,
    source: str | Path,
    output: str | Path,
    *,
    text: str | None = None,
    method: str = AUTO,
    labels: Sequence[str] = (),
    budget: float | None = None,
    with_trust: bool = True,
    reading: ReadOptions = DETECTED,
    progress: Progress | None = None,
) -> ExplainedFile:
    """Write every row of `source` with its prediction and explanation to `output`, in order; memory stays flat.

    The columns `label`, `labels`, `score`, `method` and `explanation` are added; a column of the source with one of
    these names is renamed to `input_NAME`. Nothing is at `output` until the last row is written. Raises `DataError`,
    `MissingFileError`, `OutputError`.
    """
    progress = progress or Silent()
    if str(source) != STDIN:
        require_different(output, source)
    nested = str(output) == STDOUT or written_format_of(output) in NESTED
    started, rows, rejects, tally = time.monotonic(), 0, Rejects(None, is_required=False), ContextTally()
    with open_rows(source, batch_size=_ROWS_A_TIME, on_reject=rejects.add, **reading._asdict()) as reader:
        columns = find_file_columns(
            reader.columns,
            repr(str(source)),
            predictor.context,
            options=DataOptions.checked(text=text),
            most_characters=predictor.preparation.max_length,
        )
        kept = RenamedColumns(reader.columns, COLUMNS)
        every = None
        if reader.columns_vary and Path(source).is_file():  # a table needs to know all columns first
            scan = scan_rows(source, batch_size=_ROWS_A_TIME, reading=reading, progress=progress)
            every = ([kept.renamed(row) | dict.fromkeys(COLUMNS) for row in some] for some in scan)
        with open_writer(output, types=_types(kept, reader.types), every=every) as writer:
            progress.start("explaining")
            try:
                for group in read_groups(reader, columns, rejects, tally):
                    for row, given in zip(group.rows, group.inputs, strict=True):
                        explained = explain_input(
                            predictor, given, method=method, labels=labels, budget=budget, with_trust=with_trust
                        )
                        writer.write([kept.renamed(row) | _cells(explained, nested=nested)])
                        rows += 1
                        progress.advance()
            finally:
                progress.finish()
        return ExplainedFile(
            output=Path(output),
            rows=rows,
            rejected=rejects.count,
            first_reject=None if rejects.first is None else str(rejects.first),
            seconds=time.monotonic() - started,
            warnings=(*reader.warnings, *tally.warnings(columns, predictor.context)),
        )


def _cells(explained: Explanation, *, nested: bool) -> Row:
    """Return the values of `COLUMNS` for one row."""
    content = explained.to_dict()
    explanation, label = content["explanation"], content["label"]
    return {
        "label": label,
        "labels": content["labels"],
        "score": content["scores"][label or next(iter(explained.weights))],
        "method": explained.method,
        "explanation": explanation if nested else json.dumps(explanation, ensure_ascii=False),
    }


def _types(kept: RenamedColumns, types: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Arrow type of each output column; empty if the input states none."""
    if not types:
        return {}
    import pyarrow as pa

    added = (pa.string(), pa.list_(pa.string()), pa.float64(), pa.string(), pa.string())
    return kept.renamed_types(types) | dict(zip(COLUMNS, added, strict=True))
