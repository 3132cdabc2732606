"""Splits the rows of a file into numbered batches, the unit of prediction, writing and resuming."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from insula.core.model_input import ModelInput, TextOrInput, Turn, count_characters
from insula.data.cell_paths import build_cell_getter
from insula.data.conversations.file_columns import ContextTally, FileColumns, find_file_columns
from insula.data.conversations.recent import RecentDialogues
from insula.data.conversations.turn_cells import read_turns
from insula.data.formats.row_reader import Reject, Row, RowReader
from insula.data.labels.cells import as_attribute, as_name, is_missing, is_not_text
from insula.data.options import DataOptions

if TYPE_CHECKING:
    from insula.inference.predictor import Predictor

RAW_CHARACTERS = 1000


@dataclass(frozen=True)
class RowBatch:
    """Consecutive rows of a file; how a file is divided depends only on the file.

    number  from 0
    rows    the rows with a text
    inputs  their model inputs
    seen    the number of rows read so far, including rejected rows
    share   the share of the file read so far; None if unknown
    """

    number: int
    rows: list[Row]
    inputs: list[TextOrInput]
    seen: int
    share: float | None


class RejectHandler(Protocol):
    """Receives rejected rows, and counts them."""

    count: int

    def add(self, reject: Reject) -> None:
        """Add a rejected row."""


class RejectCounter:
    """Counts rejected rows without storing them."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, reject: Reject) -> None:
        """Count a rejected row."""
        self.count += 1


def find_columns(predictor: Predictor, reader: RowReader, source: str | Path, options: DataOptions) -> FileColumns:
    """Return which columns of an open file hold the inputs of a model, as `find_file_columns` does."""
    return find_file_columns(
        reader.columns,
        repr(str(source)),
        predictor.context,
        options=options,
        most_characters=predictor.preparation.max_length,
        attributes=predictor.attributes,
    )


def read_input_batches(
    reader: RowReader,
    columns: FileColumns,
    rejects: RejectHandler,
    tally: ContextTally,
    most_characters: int | None = None,
) -> Iterator[RowBatch]:
    """Yield a `RowBatch` for each batch of the reader. Rows without a text or with unreadable context go to `rejects`.

    The context of a row depends only on the file: dialogues continue across batches. Rows whose text and context have
    more than `most_characters` go to `rejects`, too; None is no limit.
    """
    kept = 0
    most = sys.maxsize if most_characters is None else most_characters
    builder = _InputBuilder(columns, reader.columns)
    text_of, is_text_only = build_cell_getter(columns.texts, reader.columns), columns.is_text_only
    for number, batch in enumerate(reader):
        rows: list[Row] = []
        inputs: list[TextOrInput] = []
        for row, line in zip(batch.rows, batch.lines, strict=True):
            value = text_of(row)
            if is_text_only and isinstance(value, str) and value and not value.isspace() and len(value) <= most:
                rows.append(row)  # the common case, inlined: a call per row would take longer than reading it
                inputs.append(value)
                continue
            found, problem = builder.read(row)
            if found is not None and count_characters(found) > most:
                problem = f"a text of {count_characters(found):,} characters, where {most:,} are allowed"
                found = None
            if found is None:
                rejects.add(Reject(line, problem, str(row)[:RAW_CHARACTERS]))
            else:
                rows.append(row)
                inputs.append(found)
        kept += len(rows)
        tally.count(inputs)
        tally.out_of_order = builder.out_of_order
        yield RowBatch(number, rows, inputs, kept + rejects.count, reader.share_read)


class _InputBuilder:
    """Builds model inputs from the rows of one file, in order."""

    def __init__(self, columns: FileColumns, names: Collection[str]) -> None:
        self._columns = columns
        self._text_of = build_cell_getter(columns.texts, names)
        self._is_text_only = columns.is_text_only
        self._dialogues = RecentDialogues(columns.most_turns)

    @property
    def out_of_order(self) -> int:
        """The number of rows that follow a later turn of their dialogue."""
        return self._dialogues.out_of_order

    def read(self, row: Row) -> tuple[TextOrInput | None, str]:
        """Return the input of a row, or None and the reason."""
        column = self._columns.text
        value = self._text_of(row)
        if is_missing(value):
            return None, f"no text in column {column!r}"
        if is_not_text(value):
            return None, f"column {column!r} holds a list or bytes in place of a text"
        text = value if isinstance(value, str) else as_name(value)
        return (text, "") if self._is_text_only else self._with_context(row, text)

    def _with_context(self, row: Row, text: str) -> tuple[ModelInput | None, str]:
        columns, where = self._columns, self._columns.conversation
        speaker = _read_attribute(row, where.speaker)
        turns: tuple[Turn, ...] = ()
        if where.context:
            turns, problem = read_turns([row.get(name) for name in where.context])
            if problem is not None:
                return None, problem.removeprefix("with ")
            turns = turns[-columns.most_turns :]
        elif where.dialogue is not None:
            order = None if where.turn is None or is_missing(row.get(where.turn)) else row[where.turn]
            current = Turn(text[: columns.most_characters], speaker)
            turns = self._dialogues.add(_read_attribute(row, where.dialogue), current, order)
        return ModelInput(
            text,
            turns=turns,
            speaker=speaker,
            target=_read_attribute(row, where.target),
            id=_read_attribute(row, columns.id),
            language=_read_attribute(row, columns.language),
            attributes={
                name: value for name in columns.attributes if (value := _read_attribute(row, name)) is not None
            },
        ), ""


def _read_attribute(row: Row, column: str | None) -> str | None:
    return None if column is None else as_attribute(row.get(column))
