"""A file of rows as numbered groups: what is predicted together, written together and, after a stop, found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from insula.core.model_input import ModelInput, TextOrInput, Turn
from insula.data.conversations.file_columns import ContextTally, FileColumns
from insula.data.conversations.recent import RecentDialogues
from insula.data.conversations.turn_cells import read_turns
from insula.data.formats.row_reader import Reject, Row, RowReader
from insula.data.labels.cells import as_attribute, as_name, is_missing, is_not_text

RAW_CHARACTERS = 1000


@dataclass(frozen=True)
class Group:
    """Some rows that follow each other. Which ones depends on the file alone.

    number  from 0
    rows    those that have a text, and `inputs` what the model is asked of each
    seen    how many rows were read up to here, those set aside included
    share   how much of the file that is, None where it is not known
    """

    number: int
    rows: list[Row]
    inputs: list[TextOrInput]
    seen: int
    share: float | None


class RejectHandler(Protocol):
    """Takes rows that are set aside, and counts them."""

    count: int

    def add(self, reject: Reject) -> None:
        """Set a row aside."""


class RejectCounter:
    """Counts what is set aside, and keeps nothing of it."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, reject: Reject) -> None:
        """Count."""
        self.count += 1


def read_groups(reader: RowReader, columns: FileColumns, aside: RejectHandler, tally: ContextTally) -> Iterator[Group]:
    """Yield a group a batch of the reader; rows without a text, or whose context cannot be read, go to `aside`.

    The context of a row depends on the file alone: dialogues are followed across groups.
    """
    kept = 0
    inputs_of = _Inputs(columns)
    text, is_text_only = columns.text, columns.is_text_only
    for number, batch in enumerate(reader):
        rows: list[Row] = []
        inputs: list[TextOrInput] = []
        for row, line in zip(batch.rows, batch.lines, strict=True):
            value = row.get(text)
            if is_text_only and isinstance(value, str) and value and not value.isspace():
                rows.append(row)  # most rows of most files: a call for each would take longer than reading it
                inputs.append(value)
                continue
            found, problem = inputs_of.read(row)
            if found is None:
                aside.add(Reject(line, problem, str(row)[:RAW_CHARACTERS]))
            else:
                rows.append(row)
                inputs.append(found)
        kept += len(rows)
        tally.count(inputs)
        tally.out_of_order = inputs_of.out_of_order
        yield Group(number, rows, inputs, kept + aside.count, reader.share_read)


class _Inputs:
    """Makes inputs of the rows of one file, in its order."""

    def __init__(self, columns: FileColumns) -> None:
        self._columns = columns
        self._is_text_only = columns.is_text_only
        self._dialogues = RecentDialogues(columns.most_turns)

    @property
    def out_of_order(self) -> int:
        """How many rows came after a later turn of their dialogue."""
        return self._dialogues.out_of_order

    def read(self, row: Row) -> tuple[TextOrInput | None, str]:
        """Return the input of a row, None where it has none, and the reason."""
        column = self._columns.text
        value = row.get(column)
        if is_missing(value):
            return None, f"no text in column {column!r}"
        if is_not_text(value):
            return None, f"column {column!r} holds a list or bytes in place of a text"
        text = value if isinstance(value, str) else as_name(value)
        return (text, "") if self._is_text_only else self._with_context(row, text)

    def _with_context(self, row: Row, text: str) -> tuple[ModelInput | None, str]:
        columns, where = self._columns, self._columns.conversation
        speaker = _attribute(row, where.speaker)
        turns: tuple[Turn, ...] = ()
        if where.context:
            turns, problem = read_turns([row.get(name) for name in where.context])
            if problem is not None:
                return None, problem.removeprefix("with ")
            turns = turns[-columns.most_turns :]
        elif where.dialogue is not None:
            order = None if where.turn is None or is_missing(row.get(where.turn)) else row[where.turn]
            said = Turn(text[: columns.most_characters], speaker)
            turns = self._dialogues.add(_attribute(row, where.dialogue), said, order)
        return ModelInput(
            text,
            turns=turns,
            speaker=speaker,
            target=_attribute(row, where.target),
            id=_attribute(row, columns.id),
            language=_attribute(row, columns.language),
        ), ""


def _attribute(row: Row, column: str | None) -> str | None:
    return None if column is None else as_attribute(row.get(column))
