"""Write Parquet and Arrow IPC files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from insula.core.errors import DataError
from insula.core.sentences import shorten
from insula.data.formats.lossy_types import build_lossy_checks
from insula.data.formats.row_reader import Row
from insula.data.formats.row_writer import RowWriter

GROUP_ROWS = 8192


class ArrowWriter(RowWriter):
    """Writes Parquet or Arrow. Types are given, or inferred from the first `GROUP_ROWS` rows; an empty column is text.

    schema  schema of the file: given if earlier parts fixed it, else set with the first rows
    """

    def __init__(
        self,
        stream: BinaryIO,
        columns: Sequence[str] | None,
        types: Mapping[str, Any],
        *,
        parquet: bool,
        schema: Any = None,
    ) -> None:
        super().__init__(stream, columns)
        self.schema = schema
        self._types = types
        self._parquet = parquet
        self._waiting: list[Row] = []
        self._writer: Any = None

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows, in groups of `GROUP_ROWS`."""
        self._waiting.extend(rows)
        while len(self._waiting) >= GROUP_ROWS:
            self._write_group(self._waiting[:GROUP_ROWS])
            del self._waiting[:GROUP_ROWS]

    def finish(self) -> None:
        """Write the last group and the end of the file."""
        if self._waiting or self._writer is None:
            self._write_group(self._waiting)
        self.close()

    def close(self) -> None:
        """Close the writer of the library, which would warn otherwise."""
        if self._writer is not None:
            self._writer.close()

    def _write_group(self, rows: list[Row]) -> None:
        if self.schema is None:
            self.schema = _infer_schema(rows, self._columns, self._types)
        if self._writer is None:
            self._writer = open_library_writer(self._stream, self.schema, parquet=self._parquet)
        known = set(self.schema.names)
        if self._columns is None and (unknown := {key for row in rows for key in row} - known):
            raise DataError(
                f"A later row has the column {min(unknown)!r}, which the first rows did not have: "
                f"{', '.join(self.schema.names)}. Pass all `columns` to open_writer, or write JSON Lines."
            )
        for name, loses in build_lossy_checks(self.schema).items():
            if (row := next((row for row in rows if loses(row.get(name))), None)) is not None:
                raise DataError(
                    f"Later rows have other types than the first ones: {shorten(repr(row[name]), 100)} in the column "
                    f"{name!r} would be truncated to {self.schema.field(name).type}. Write JSON Lines."
                )
        try:
            self._writer.write(pa.Table.from_pylist(rows, schema=self.schema))
        except (pa.ArrowException, TypeError, OverflowError, UnicodeEncodeError) as error:
            raise DataError(f"Later rows have other types than the first ones: {error}. Write JSON Lines.") from error


def open_library_writer(stream: Any, schema: Any, *, parquet: bool) -> Any:
    """Return the writer of the library; `DataError` if Parquet cannot store a column."""
    if not parquet:
        return pa.ipc.new_file(stream, schema)
    try:
        return pq.ParquetWriter(stream, schema)
    except pa.ArrowNotImplementedError as error:
        raise DataError(
            f"Parquet cannot store one of the columns: {error} Write Arrow or JSON Lines, or leave that column out."
        ) from error


def infer_schema(batches: Iterable[Sequence[Row]]) -> Any:
    """Return a schema for all these rows, `DataError` if there is none; a column without any value is text."""
    found = pa.schema([])
    try:
        for rows in batches:
            names = dict.fromkeys(key for row in rows for key in row)
            these = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]).schema
            found = pa.unify_schemas([found, these], promote_options="permissive")
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise DataError(
            f"The values of a column must have one Arrow type: {error}. Write JSON Lines instead."
        ) from error
    return pa.schema([(field.name, _replace_nulls(field.type)) for field in found])


def _infer_schema(rows: list[Row], columns: Sequence[str] | None, given: Mapping[str, Any]) -> Any:
    names = dict.fromkeys(key for row in rows for key in row) if columns is None else columns
    # Inference knows fewer types than Arrow has, so it is used only for columns without a given type.
    inferred = infer_schema([_select(rows, [name for name in names if name not in given])])
    wanted = pa.schema([(name, given[name] if name in given else inferred.field(name).type) for name in names])
    try:
        pa.Table.from_pylist(rows, schema=wanted)
    except (pa.ArrowException, TypeError, OverflowError):  # some types cannot be built from Python values
        return infer_schema([_select(rows, names)])
    return wanted


def _select(rows: Sequence[Row], names: Iterable[str]) -> list[Row]:
    """Return the rows with these columns only; one empty row if there are none."""
    return [{name: row.get(name) for name in names} for row in rows] or [dict.fromkeys(names)]


def adapt_types(types: Mapping[str, Any], *, parquet: bool) -> dict[str, Any]:
    """Return types for a file that is written in groups of rows: for Arrow without dictionaries.

    An Arrow file may hold one dictionary per column, but each group of rows has its own.
    """
    return dict(types) if parquet else {name: _remove_dictionaries(kind) for name, kind in types.items()}


def _remove_dictionaries(kind: Any) -> Any:
    """Replace dictionaries by the type of their values."""
    if pa.types.is_dictionary(kind):
        return _remove_dictionaries(kind.value_type)
    if pa.types.is_list(kind):
        return pa.list_(_remove_dictionaries(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _remove_dictionaries(field.type)) for field in kind])
    return kind


def _replace_nulls(kind: Any) -> Any:
    """Replace the type `null` of columns without any value by text, so that later rows may hold values."""
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_replace_nulls(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _replace_nulls(field.type)) for field in kind])
    return kind
