"""Parts of Parquet and Arrow output: written as Arrow files, which are fast to write and read, then joined."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from insula.data.formats.arrow_writer import ArrowWriter, adapt_types, infer_schema, open_library_writer
from insula.data.formats.row_reader import Row
from insula.data.formats.writers import open_output

JOINED_ROWS = 32_768
"""Rows per group of the joined file. A Parquet writer keeps the metadata of every group, so groups must be few."""


def write_arrow_part(
    stream: BinaryIO,
    rows: Sequence[Row],
    columns: Sequence[str] | None,
    types: Mapping[str, Any],
    layout: Mapping[str, Any] | None,
    *,
    parquet: bool,
) -> dict[str, Any]:
    """Write rows as an Arrow file; return the layout: the schema, given or inferred from these rows.

    parquet  True if the joined file is Parquet: `DataError` if Parquet cannot store a column
    """
    schema = None if layout is None else _read_schema(layout)
    writer = ArrowWriter(stream, columns, adapt_types(types, parquet=parquet), parquet=False, schema=schema)
    try:
        writer.write(rows)
        writer.finish()
    finally:
        writer.close()
    return dict(layout) if layout is not None else _build_layout(writer.schema, parquet=parquet)


def build_arrow_layout(
    batches: Iterable[Sequence[Row]], more: Sequence[str], types: Mapping[str, Any], *, parquet: bool
) -> dict[str, Any]:
    """Return a layout for all these rows, followed by the columns `more`; `parquet` as above."""
    found = infer_schema(batches)
    return _build_layout(pa.schema([*found, *((name, types[name]) for name in more)]), parquet=parquet)


def _build_layout(schema: Any, *, parquet: bool) -> dict[str, Any]:
    open_library_writer(pa.BufferOutputStream(), schema, parquet=parquet).close()
    return {"schema": base64.b64encode(schema.serialize()).decode()}


def _read_schema(layout: Mapping[str, Any]) -> Any:
    return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(layout["schema"])))


def join_arrow_parts(parts: Sequence[Path], path: Path, *, parquet: bool) -> None:
    """Write the rows of the parts into `path`, in groups of `JOINED_ROWS`; one group is held in memory."""
    with parts[0].open("rb") as first:
        schema = pa.ipc.open_file(first).schema
    with open_output(path) as stream, open_library_writer(stream, schema, parquet=parquet) as writer:
        for table in _iterate_groups(parts):
            writer.write_table(table)


def _iterate_groups(parts: Sequence[Path]) -> Iterator[Any]:
    """Yield tables of `JOINED_ROWS` rows, the last one shorter."""
    waiting: list[Any] = []
    rows = 0
    for part in parts:
        with part.open("rb") as stream:
            waiting.append(pa.ipc.open_file(stream).read_all())
        rows += waiting[-1].num_rows
        if rows >= JOINED_ROWS:
            table = pa.concat_tables(waiting)
            whole = rows - rows % JOINED_ROWS
            for start in range(0, whole, JOINED_ROWS):
                yield table.slice(start, JOINED_ROWS).combine_chunks()
            waiting, rows = [table.slice(whole)], rows - whole
    if rows:
        yield pa.concat_tables(waiting).combine_chunks()
