"""`RenamedColumns`: the columns of the input in an output that adds its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from insula.data.formats.row_reader import Row


class RenamedColumns:
    """The names of input columns in an output: one whose name is `taken` by the output is renamed to `input_NAME`."""

    def __init__(self, columns: Sequence[str], taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._names: dict[str, str] = {}
        for column in columns:
            self._add_name(column)

    def rename_columns(self, row: Row) -> Row:
        """Return an input row with its column names in the output."""
        return {self._names.get(name) or self._add_name(name): value for name, value in row.items()}

    def rename_types(self, types: Mapping[str, Any]) -> dict[str, Any]:
        """Return the types of input columns under their names in the output."""
        return {self._names[name]: kind for name, kind in types.items() if name in self._names}

    @property
    def renamed_columns(self) -> list[str]:
        """The names of the input columns in the output."""
        return list(self._names.values())

    def add_columns(self, rows: Sequence[Row]) -> None:
        """Assign names to the columns of rows that an earlier run wrote, so that later columns get the same names."""
        for name in dict.fromkeys(name for row in rows for name in row):
            if name not in self._names:
                self._add_name(name)

    def _add_name(self, column: str) -> str:
        name = column
        while name in self._taken:
            name = f"input_{name}"
        self._taken.add(name)
        self._names[column] = name
        return name
