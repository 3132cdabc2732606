"""Write output in parts, one file per group of rows, and join them.

The layout (the header of a table, the Arrow schema) is found in all rows before the first part if rows may have
different columns, else in the rows of the first part; all parts share it. Parts of text formats are concatenated,
compressed ones as members of one gzip file; Parquet and Arrow are written from parts that are Arrow files. The joined
file depends on the parts and the layout only.
"""

from __future__ import annotations

import codecs
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from insula.core.files import atomic_file
from insula.data.formats.row_reader import Row
from insula.data.formats.row_writer import RowWriter
from insula.data.formats.text_writers import DelimitedWriter, Header, JsonLinesWriter, JsonListWriter, LineWriter
from insula.data.formats.writers import is_compressed, open_compressed, open_writer

BINARY, DELIMITED = ("parquet", "arrow"), ("csv", "tsv")
Layout = dict[str, Any]


class PartWriter:
    """Writes and joins the parts of one output.

    path     the joined output; a name that ends in `.gz` is compressed
    kind     its format
    columns  columns to write (default: all of the rows)
    types    column to Arrow type, for Parquet and Arrow
    bom      whether a CSV or TSV file begins with a byte order mark
    """

    def __init__(
        self,
        path: Path,
        kind: str,
        *,
        columns: Sequence[str] | None = None,
        types: Mapping[str, Any] | None = None,
        bom: bool = False,
    ) -> None:
        self._path = path
        self._kind = kind
        self._mark = codecs.BOM_UTF8 if bom and kind in DELIMITED else b""
        self._columns = columns
        self._types = types or {}

    @property
    def is_table(self) -> bool:
        """Whether all rows have the same columns."""
        return self._kind in (*BINARY, *DELIMITED)

    def build_layout(self, batches: Iterable[Sequence[Row]], more: Sequence[str]) -> Layout:
        """Return the layout of a table with these rows, followed by the columns `more`.

        Raises `DataError` if there is none, such as for a Parquet column of several types or two CSV columns of one
        name.
        """
        if self._kind in BINARY:
            from insula.data.formats.arrow_parts import build_arrow_layout

            return build_arrow_layout(batches, more, self._types, parquet=self._kind == "parquet")
        return {"header": [*Header.from_batches(batches, more).names, *more]}

    def write(self, file: Path, rows: Sequence[Row], layout: Layout | None) -> Layout:
        """Write a part atomically; return its layout in plain JSON types: `layout`, or a new one from these rows."""
        if self._kind in DELIMITED:
            layout = layout or self.build_layout([rows], ())
        with atomic_file(file) as temporary, temporary.open("wb") as stream:
            if self._kind in BINARY:
                from insula.data.formats.arrow_parts import write_arrow_part

                parquet = self._kind == "parquet"
                return write_arrow_part(stream, rows, self._columns, self._types, layout, parquet=parquet)
            with open_compressed(stream, is_compressed(self._path)) as inner:
                self._open_text_writer(inner, layout).write(rows)
        return layout or {}

    def join(self, parts: Iterable[Path], layout: Layout | None, columns: Sequence[str]) -> None:
        """Write the joined output atomically, in constant memory; `columns` are the header if there are no parts."""
        parts = list(parts)
        if self._kind not in DELIMITED and (not parts or layout is None):
            with open_writer(self._path, format=self._kind, columns=columns, types=self._types):
                return
        if self._kind in BINARY:
            from insula.data.formats.arrow_parts import join_arrow_parts

            join_arrow_parts(parts, self._path, parquet=self._kind == "parquet")
            return
        with atomic_file(self._path) as temporary, temporary.open("wb") as whole:
            if self._kind in DELIMITED:
                header = columns if layout is None else layout["header"]
                with open_compressed(whole, is_compressed(self._path)) as inner:
                    inner.write(self._mark)
                    DelimitedWriter(inner, header, delimiter=self._delimiter).finish()
            for part in parts:
                with part.open("rb") as stream:
                    shutil.copyfileobj(stream, whole, 1 << 20)
            if self._kind == "json":
                with open_compressed(whole, is_compressed(self._path)) as inner:
                    inner.write(JsonListWriter.END)

    @property
    def _delimiter(self) -> str:
        return "," if self._kind == "csv" else "\t"

    def _open_text_writer(self, stream: BinaryIO, layout: Layout | None) -> RowWriter:
        if self._kind in DELIMITED:
            header = None if layout is None else layout["header"]
            return DelimitedWriter(stream, self._columns, delimiter=self._delimiter, header=header)
        if self._kind == "json":
            return JsonListWriter(stream, self._columns, first=layout is None)
        return (JsonLinesWriter if self._kind == "jsonl" else LineWriter)(stream, self._columns)
