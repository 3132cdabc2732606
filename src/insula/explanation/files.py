"""`explain_file`: a file of texts to a file of explanations, one group of rows at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula import __version__
from insula.core.files import hash_file
from insula.core.progress import Progress, Silent
from insula.data.conversations.file_columns import ContextTally
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows, scan_rows
from insula.data.formats.row_reader import Row
from insula.data.options import DataOptions
from insula.explanation.explain import AUTO, explain_input
from insula.explanation.explanation import Explanation
from insula.inference.groups import find_columns, read_groups
from insula.inference.parts import check_widened, open_widened
from insula.inference.predictor import Predictor
from insula.inference.rejects import Rejects

_ROWS_A_GROUP = 64
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
    kind, is_file = check_widened(source, output, resume=resume, what="an explanation")
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
        with open_widened(output, kind, reader, COLUMNS, job, list_types=_list_types, resume=resume, scan=scan) as out:
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
                    out.write(group.number, group.rows, [_build_cells(one, nested=out.nested) for one in explained])
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


def _list_types() -> dict[str, Any]:
    """Return the Arrow types of `COLUMNS`."""
    import pyarrow as pa

    return dict(zip(COLUMNS, (pa.string(), pa.list_(pa.string()), pa.float64(), pa.string(), pa.string()), strict=True))
