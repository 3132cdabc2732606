"""Turn the rows of a table in memory (pandas, polars) into inputs of a model."""

from __future__ import annotations

from typing import Any

from insula.core.errors import DataError
from insula.core.model_input import ModelInput
from insula.data.columns import find_conversation_columns, find_text_columns
from insula.data.conversations.turn_cells import MAX_TURNS, read_turns
from insula.data.labels.cells import as_attribute, is_missing, is_not_text
from insula.data.options import DataOptions


def read_table_inputs(table: Any, options: DataOptions, called: str) -> list[ModelInput]:
    """Return one input per row, from the columns that the options name: text, context, speaker, target.

    table   an object with `columns` that returns a column of cells by name
    called  name of the table in errors, such as `the X of EmotionClassifier`

    Raises `DataError` if a column is missing; with the row number if a text or the earlier turns cannot be read.
    """
    names = list(table.columns)
    (column,) = find_text_columns(names, options.text, called)
    text = _read_cells(table, column)
    found = find_conversation_columns(names, options, called)
    context = [_read_cells(table, name) for name in found.context]
    speakers, targets = (
        [None] * len(text) if name is None else _read_cells(table, name) for name in (found.speaker, found.target)
    )
    inputs = []
    for row, cell in enumerate(text):
        if not isinstance(cell, str):
            raise DataError(
                f"{_capitalise(called)} must hold a text in every row. Got {cell!r} in row {row}. Drop that row."
            )
        turns, problem = read_turns([column[row] for column in context]) if context else ((), None)
        if problem is not None:
            raise DataError(f"{_capitalise(called)} has a row {problem}: row {row}. Correct or drop that row.")
        inputs.append(
            ModelInput(
                cell,
                turns=turns[-MAX_TURNS:],
                speaker=_read_attribute(speakers[row]),
                target=_read_attribute(targets[row]),
            )
        )
    return inputs


def _read_cells(table: Any, name: str) -> list[Any]:
    return [_to_plain(cell) for cell in table[name]]


def _to_plain(cell: Any) -> Any:
    """Return a cell as the readers of files do: lists for arrays, None for NA of pandas."""
    if type(cell).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(cell, "tolist"):  # numpy's arrays and scalars
        return _to_plain(cell.tolist())
    if hasattr(cell, "to_list"):  # polars' lists
        return _to_plain(cell.to_list())
    if isinstance(cell, list | tuple):
        return [_to_plain(one) for one in cell]
    return cell


def _read_attribute(cell: Any) -> str | None:
    return None if is_missing(cell) or is_not_text(cell) else as_attribute(cell)


def _capitalise(called: str) -> str:
    return called[:1].upper() + called[1:]
