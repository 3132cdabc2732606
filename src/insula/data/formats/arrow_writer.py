"""Rows to Parquet and Arrow IPC files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from insula.core.errors import DataError
from insula.core.sentences import shortened
from insula.data.formats.arrow_loss import losses
from insula.data.formats.row_reader import Row
from insula.data.formats.row_writer import RowWriter

GROUP_ROWS = 8192


class ArrowWriter(RowWriter):
    """Types are those given, else come from the first `GROUP_ROWS` rows; a column empty in all of them is text.

    schema  of the file: given where earlier parts of it fixed one, else known after the first rows
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
        """Close the writer of the library, which would complain later."""
        if self._writer is not None:
            self._writer.close()

    def _write_group(self, rows: list[Row]) -> None:
        if self.schema is None:
            self.schema = _schema(rows, self._columns, self._types)
        if self._writer is None:
            self._writer = library_writer(self._stream, self.schema, parquet=self._parquet)
        known = set(self.schema.names)
        if self._columns is None and (unknown := {key for row in rows for key in row} - known):
            raise DataError(
                f"A later row has the column {min(unknown)!r}, which the first rows did not have: "
                f"{', '.join(self.schema.names)}. Give open_writer all `columns`, or write JSON Lines."
            )
        for name, loses in losses(self.schema).items():
            if (row := next((row for row in rows if loses(row.get(name))), None)) is not None:
                raise DataError(
                    f"Later rows have other types than the first ones: {shortened(repr(row[name]), 100)} in the column "
                    f"{name!r} would lose a part as {self.schema.field(name).type}. Write JSON Lines."
                )
        try:
            self._writer.write(pa.Table.from_pylist(rows, schema=self.schema))
        except (pa.ArrowException, TypeError, OverflowError, UnicodeEncodeError) as error:
            raise DataError(f"Later rows have other types than the first ones: {error}. Write JSON Lines.") from error


def library_writer(stream: Any, schema: Any, *, parquet: bool) -> Any:
    """Return the library's own writer; `DataError` where Parquet has no form for a column."""
    if not parquet:
        return pa.ipc.new_file(stream, schema)
    try:
        return pq.ParquetWriter(stream, schema)
    except pa.ArrowNotImplementedError as error:
        raise DataError(
            f"Parquet must have a form for every column, and has none for one: {error} Write Arrow or JSON Lines, or "
            "leave that column out."
        ) from error


def schema_of(batches: Iterable[Sequence[Row]]) -> Any:
    """Return the schema that all these rows fit, `DataError` where none does; a column without any value is text."""
    found = pa.schema([])
    try:
        for rows in batches:
            names = dict.fromkeys(key for row in rows for key in row)
            these = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]).schema
            found = pa.unify_schemas([found, these], promote_options="permissive")
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise DataError(
            f"The values of a column must be of one type of Arrow's: {error}. Write JSON Lines instead."
        ) from error
    return pa.schema([(field.name, _filled(field.type)) for field in found])


def _schema(rows: list[Row], columns: Sequence[str] | None, given: Mapping[str, Any]) -> Any:
    names = dict.fromkeys(key for row in rows for key in row) if columns is None else columns
    # Inference knows fewer types than there are, so it is asked only where none is given.
    inferred = schema_of([_cut(rows, [name for name in names if name not in given])])
    wanted = pa.schema([(name, given[name] if name in given else inferred.field(name).type) for name in names])
    try:
        pa.Table.from_pylist(rows, schema=wanted)
    except (pa.ArrowException, TypeError, OverflowError):  # not every type can be made from Python's values again
        return schema_of([_cut(rows, names)])
    return wanted


def _cut(rows: Sequence[Row], names: Iterable[str]) -> list[Row]:
    """Return rows of these columns alone, one of nothing where there are none."""
    return [{name: row.get(name) for name in names} for row in rows] or [dict.fromkeys(names)]


def types_for(types: Mapping[str, Any], *, parquet: bool) -> dict[str, Any]:
    """Return types that a file can be written in bit by bit: of an Arrow file none with a dictionary.

    It may hold one dictionary a column, and each group of rows brings its own.
    """
    return dict(types) if parquet else {name: _spelt_out(kind) for name, kind in types.items()}


def _spelt_out(kind: Any) -> Any:
    """Replace dictionaries by the type of their values."""
    if pa.types.is_dictionary(kind):
        return _spelt_out(kind.value_type)
    if pa.types.is_list(kind):
        return pa.list_(_spelt_out(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _spelt_out(field.type)) for field in kind])
    return kind


def _filled(kind: Any) -> Any:
    """Replace the type `null` of columns without any value: it could hold nothing in later rows either."""
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_filled(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _filled(field.type)) for field in kind])
    return kind
