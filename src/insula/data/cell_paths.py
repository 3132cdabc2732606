"""Read cells by the name of a column, by a path into objects (`data.text`), or from several columns joined."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from insula.data.formats.row_reader import Row
from insula.data.labels.cells import as_name, is_missing, is_not_text

JOINED = " + "


def is_path(name: str, columns: Collection[str]) -> bool:
    """Whether `data` is a column and `data.text` is not, for a name such as `data.text`."""
    return name not in columns and "." in name and name.partition(".")[0] in columns


def get_cell(row: Row, path: str) -> Any:
    """Return the value at a path such as `data.text` or `annotations.0.label`; None if there is none."""
    value: Any = row
    for key in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list | tuple) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def build_cell_getter(names: Sequence[str], columns: Collection[str]) -> Callable[[Row], Any]:
    """Return a function that reads a cell of a row: a column, a path, or the texts of several joined by line ends.

    The function returns None for a column that the row lacks. Blank cells are left out of joined texts; a list or an
    object among them is returned as it is, so that the row is rejected.
    """
    if len(names) == 1:
        (name,) = names
        return (lambda row: get_cell(row, name)) if is_path(name, columns) else (lambda row: row.get(name))
    getters = [build_cell_getter((name,), columns) for name in names]

    def join(row: Row) -> Any:
        cells = [cell for get in getters if not is_missing(cell := get(row))]
        if (odd := next(filter(is_not_text, cells), None)) is not None:
            return odd
        return "\n".join(cell if isinstance(cell, str) else as_name(cell) for cell in cells)

    return join
