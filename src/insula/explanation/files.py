"""`explain_file`: a file of texts to a file of explanations, one batch at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.outputs import require_different
from insula.core.progress import Progress, Silent
from insula.data.conversations.file_columns import ContextTally, find_file_columns
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import open_rows, written_format_of
from insula.data.formats.row_reader import Reject
from insula.data.formats.writers import STDOUT, open_writer
from insula.data.options import DataOptions
from insula.explanation.explain import AUTO, explain_input
from insula.inference.groups import read_groups
from insula.inference.predictor import Predictor

BATCH = 64  # rows that are read ahead of being explained
NESTED = ("jsonl", "json")  # formats that keep the explanation as an object; others hold it as JSON text
COLUMNS = ("label", "labels", "score", "method", "explanation")


@dataclass(frozen=True)
class ExplainedFile:
    """What became of a file: how many rows were explained, and which could not be read or had no word."""

    output: str
    rows: int
    rejected: tuple[Reject, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        rejected = [{"line": one.line, "reason": one.reason} for one in self.rejected]
        return {"output": self.output, "rows": self.rows, "rejected": rejected, "seconds": round(self.seconds, 3)}


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
    progress: Progress | None = None,
) -> ExplainedFile:
    """Write every row of `source` with its prediction and explanation to `output`, in order; memory stays flat.

    The columns `label`, `labels`, `score`, `method` and `explanation` are added; a column of the source with one of
    these names is kept as `original_NAME`. Nothing is at `output` until the last row is written. Raises `DataError`,
    `MissingFileError`, `OutputError`.
    """
    progress = progress or Silent()
    if str(source) != STDIN:
        require_different(output, source)
    kind = "jsonl" if str(output) == STDOUT else written_format_of(output)
    rejected: list[Reject] = []
    start, rows = time.monotonic(), 0
    with open_rows(source, batch_size=BATCH, on_reject=rejected.append) as reader, open_writer(output) as writer:
        columns = find_file_columns(
            reader.columns,
            repr(str(source)),
            predictor.context,
            options=DataOptions.checked(text=text),
            most_characters=predictor.preparation.max_length,
        )
        progress.start("explaining")
        for group in read_groups(reader, columns, _Rejected(rejected), ContextTally()):
            written = []
            for row, given in zip(group.rows, group.inputs, strict=True):
                explained = explain_input(
                    predictor, given, method=method, labels=labels, budget=budget, with_trust=with_trust
                )
                content = explained.to_dict()
                found = content.pop("explanation")
                label = content["label"] or next(iter(explained.weights))
                added = {
                    "label": content["label"],
                    "labels": content["labels"],
                    "score": content["scores"][label],
                    "method": explained.method,
                    "explanation": found if kind in NESTED else json.dumps(found, ensure_ascii=False),
                }
                written.append({**dict(_renamed(row)), **added})
                progress.advance()
            writer.write(written)
            rows += len(written)
        progress.finish()
    return ExplainedFile(str(output), rows, tuple(rejected), time.monotonic() - start)


class _Rejected:
    """Collects the rows without a text."""

    def __init__(self, rejected: list[Reject]) -> None:
        self._rejected = rejected
        self.count = len(rejected)

    def add(self, reject: Reject) -> None:
        """Set a row aside."""
        self._rejected.append(reject)
        self.count = len(self._rejected)


def _renamed(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        yield (f"original_{name}" if name in COLUMNS else name), value
