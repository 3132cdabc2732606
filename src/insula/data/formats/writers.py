"""`open_writer`: write rows in any format; the file appears under its name when it is complete."""

from __future__ import annotations

import contextlib
import gzip
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from insula.core.errors import DataError
from insula.core.files import atomic_file
from insula.data.formats.formats import WRITTEN_FORMATS, check_format, find_written_format
from insula.data.formats.row_reader import Row
from insula.data.formats.row_writer import RowWriter
from insula.data.formats.text_writers import DelimitedWriter, Header, JsonLinesWriter, JsonListWriter, LineWriter

STDOUT = "-"
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_TEXT_WRITERS: dict[str, Callable[[BinaryIO, Sequence[str] | None], RowWriter]] = {
    "csv": DelimitedWriter,
    "tsv": lambda stream, columns: DelimitedWriter(stream, columns, delimiter=_DELIMITERS["tsv"]),
    "jsonl": JsonLinesWriter,
    "json": JsonListWriter,
    "lines": LineWriter,
}


@contextlib.contextmanager
def open_writer(
    path: str | Path,
    *,
    format: str | None = None,
    columns: Sequence[str] | None = None,
    types: Mapping[str, Any] | None = None,
    every: Iterable[Sequence[Row]] | None = None,
) -> Iterator[RowWriter]:
    """Yield a `RowWriter` for `path`; after an error inside the block no file appears.

    The format is that of the name unless given; `.gz` compresses. `-` is standard output: JSON Lines unless `format` is
    another text format. Lists and the `scores` dict are kept in JSON, Parquet and Arrow; in CSV and TSV a list is
    joined by `|`, and a dict becomes one column per key (`score_joy`).

    columns  columns to write (default: all of the rows)
    types    column to Arrow type, as in a reader; kept in Parquet and Arrow if the first rows fit, dictionaries only in
             Parquet
    every    all rows to be written, if later ones may have columns that the first lack: a table gets the columns of all

    Raises `OutputError`, `DataError`.
    """
    kind = (
        check_format(format, WRITTEN_FORMATS)
        if format
        else "jsonl"
        if str(path) == STDOUT
        else find_written_format(path)
    )
    if str(path) == STDOUT and kind not in _TEXT_WRITERS:
        raise DataError(
            f"Standard output takes one of {', '.join(_TEXT_WRITERS)}. Got {kind!r}. Choose a file instead."
        )
    with open_output(path) as stream:
        writer = _build_writer(kind, stream, columns, types or {}, every)
        with contextlib.closing(writer):
            yield writer
            writer.finish()
        stream.flush()


def _build_writer(
    kind: str,
    stream: BinaryIO,
    columns: Sequence[str] | None,
    types: Mapping[str, Any],
    every: Iterable[Sequence[Row]] | None,
) -> RowWriter:
    if kind in ("csv", "tsv") and every is not None:
        return DelimitedWriter(stream, None, delimiter=_DELIMITERS[kind], header=_write_header(kind, stream, every))
    if kind in _TEXT_WRITERS:
        return _TEXT_WRITERS[kind](stream, columns)
    from insula.data.formats.arrow_writer import ArrowWriter, adapt_types, infer_schema

    parquet = kind == "parquet"
    schema = None if every is None or types else infer_schema(every)
    return ArrowWriter(stream, columns, adapt_types(types, parquet=parquet), parquet=parquet, schema=schema)


def _write_header(kind: str, stream: BinaryIO, every: Iterable[Sequence[Row]]) -> list[str]:
    """Write the header of a table with all these rows, and return it."""
    names = Header.from_batches(every).names
    DelimitedWriter(stream, names, delimiter=_DELIMITERS[kind]).finish()
    return names


@contextlib.contextmanager
def open_output(path: str | Path) -> Iterator[BinaryIO]:
    """Yield a stream for `path`, compressed for `.gz`; the file appears under its name when it is complete."""
    if str(path) == STDOUT:
        yield sys.stdout.buffer
        return
    with (
        atomic_file(path) as temporary,
        temporary.open("wb") as file,
        open_compressed(file, is_compressed(path)) as stream,
    ):
        yield stream


def is_compressed(path: str | Path) -> bool:
    """Whether the name ends in `.gz`."""
    return Path(path).suffix.lower() == ".gz"


@contextlib.contextmanager
def open_compressed(file: BinaryIO, wanted: bool) -> Iterator[BinaryIO]:
    """Yield `file`, or if `wanted` a gzip member that is written into it."""
    if not wanted:
        yield file
        return
    # No name and no time inside: the same rows give the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as member:
        yield cast(BinaryIO, member)
