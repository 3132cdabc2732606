"""`explain_file`: a file of texts to a file of explanations, one group of rows at a time."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula import __version__
from insula.core.errors import DataError
from insula.core.files import hash_file
from insula.core.outputs import require_different
from insula.core.progress import Progress, Silent
from insula.data.conversations.file_columns import ContextTally
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import DETECTED, ReadOptions, find_written_format, open_rows, scan_rows
from insula.data.formats.part_writer import BINARY, PartFormat
from insula.data.formats.row_reader import Row, RowReader
from insula.data.formats.writers import STDOUT, open_writer
from insula.data.options import DataOptions
from insula.data.renamed_columns import RenamedColumns
from insula.explanation.explain import AUTO, explain_input
from insula.explanation.explanation import Explanation
from insula.inference.groups import Group, find_columns, read_groups
from insula.inference.parts import Job, open_parts
from insula.inference.predictor import Predictor
from insula.inference.rejects import Rejects

_ROWS_A_GROUP = 64
NESTED = ("jsonl", "json")  # formats that keep the explanation as an object; others hold it as JSON text
COLUMNS = ("label", "labels", "score", "method", "explanation")


@dataclass(frozen=True)
class ExplainedFile:
    """The result of explaining a file.

    output    the file written
    rows      number of rows explained; an earlier, resumed run had explained `kept` of them
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
    kept: int = 0

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
    resume: bool = False,
    reading: ReadOptions = DETECTED,
    progress: Progress | None = None,
) -> ExplainedFile:
    """Write every row of `source` with its prediction and explanation to `output`, in order; memory stays flat.

    resume  resume an interrupted run of the same job; starts from the beginning if there is none

    The columns `label`, `labels`, `score`, `method` and `explanation` are added; a column of the source with one of
    these names is renamed to `input_NAME`. The output appears when its last row is written; until then its parts are
    in a hidden folder next to it. Without a budget a resumed run writes the same bytes as an uninterrupted one. Raises
    `DataError`, `MissingFileError`, `OutputError`.
    """
    progress = progress or Silent()
    if str(source) != STDIN:
        require_different(output, source)
    kind = "jsonl" if str(output) == STDOUT else find_written_format(output)
    is_file = str(source) != STDIN and Path(source).is_file()
    if resume and not (is_file and str(output) != STDOUT):
        raise DataError("Only an explanation from a file into a file can be resumed. Name both, or leave out resume.")
    started, rejects, tally = time.monotonic(), Rejects(None, is_required=False), ContextTally()
    options: dict[str, Any] = {"method": method, "labels": list(labels), "budget": budget, "with_trust": with_trust}
    rows = kept_rows = 0
    with open_rows(source, batch_size=_ROWS_A_GROUP, on_reject=rejects.add, **reading._asdict()) as reader:
        columns = find_columns(predictor, reader, source, DataOptions.checked(text=text))
        job = {
            "insula": __version__,
            "model": predictor.fingerprint,
            "input": hash_file(source),
            "reading": list(reading),
            "text column": columns.text,
            "output format": kind,
            "options": options,
        } if is_file else None  # fmt: skip
        scan = None
        if reader.columns_vary and is_file:  # a table needs to know all columns first
            scan = scan_rows(source, batch_size=_ROWS_A_GROUP, reading=reading, progress=progress)
        with _open_output(output, kind, reader, job, resume=resume, scan=scan) as out:
            progress.start("explaining")
            try:
                for group in read_groups(reader, columns, rejects, tally):
                    rows += len(group.rows)
                    if group.number in out.finished:
                        out.kept.add_columns(group.rows)
                        kept_rows += len(group.rows)
                        progress.skip(len(group.rows))
                        continue
                    explained = []
                    for given in group.inputs:
                        explained.append(explain_input(predictor, given, **options))
                        progress.advance()
                    out.write(group, explained)
            finally:
                progress.finish()
        return ExplainedFile(
            output=Path(output),
            rows=rows,
            rejected=rejects.count,
            first_reject=None if rejects.first is None else str(rejects.first),
            seconds=time.monotonic() - started,
            warnings=(*reader.warnings, *tally.list_warnings(columns, predictor.context)),
            kept=kept_rows,
        )


@dataclass(frozen=True)
class _Output:
    """Where the groups go.

    kept      the columns of the input
    finished  numbers of groups that an earlier run finished
    put       writes rows of the group with a number
    """

    kept: RenamedColumns
    finished: frozenset[int]
    put: Callable[[int, list[Row]], None]
    nested: bool

    def write(self, group: Group, explained: Sequence[Explanation]) -> None:
        """Write the rows of a group with their explanations."""
        rows = [
            self.kept.rename_columns(row) | _build_cells(one, nested=self.nested)
            for row, one in zip(group.rows, explained, strict=True)
        ]
        if rows:
            self.put(group.number, rows)


@contextlib.contextmanager
def _open_output(
    output: str | Path,
    kind: str,
    reader: RowReader,
    job: Job | None,
    *,
    resume: bool,
    scan: Iterator[Sequence[Row]] | None,
) -> Iterator[_Output]:
    """Yield the writer of an output; a file appears under its name at the end of the block.

    scan  all rows of the input, if their columns may differ
    """
    kept, nested = RenamedColumns(reader.columns, COLUMNS), kind in NESTED
    if str(output) == STDOUT:
        with open_writer(output) as writer:
            yield _Output(kept, frozenset(), lambda _, rows: writer.write(rows), nested)
        return
    types = _list_types(kept, reader.types) if kind in BINARY else None
    part_format = PartFormat(Path(output), kind, types=types)
    with open_parts(Path(output), part_format, job, resume=resume) as parts:
        if scan is not None and part_format.is_table and (kind not in BINARY or not reader.types):
            parts.set_layout(([kept.rename_columns(row) for row in some] for some in scan), COLUMNS)
        yield _Output(kept, parts.finished, parts.write, nested)
        parts.join([*kept.renamed_columns, *COLUMNS])


def _build_cells(explained: Explanation, *, nested: bool) -> Row:
    """Return the values of `COLUMNS` for one row; without the time, so that a file depends on its input only."""
    content = explained.to_dict()
    explanation, label = content["explanation"], content["label"]
    del explanation["milliseconds"]
    return {
        "label": label,
        "labels": content["labels"],
        "score": content["scores"][label or next(iter(explained.weights))],
        "method": explained.method,
        "explanation": explanation if nested else json.dumps(explanation, ensure_ascii=False),
    }


def _list_types(kept: RenamedColumns, types: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Arrow types of the output columns; `types` are the known types of the input."""
    import pyarrow as pa

    added = (pa.string(), pa.list_(pa.string()), pa.float64(), pa.string(), pa.string())
    return kept.rename_types(types) | dict(zip(COLUMNS, added, strict=True))
