"""Read Parquet and Arrow (IPC file and stream) files."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from insula.core.errors import DataError
from insula.data.formats.byte_source import CompressedStream, measure_share_read, open_bytes, read_errors
from insula.data.formats.row_reader import Reject, Row, RowReader, make_names_unique

BUFFER = 1 << 20  # bytes of a column read at once


class ArrowRows(RowReader):
    """Rows numbered from 1. Values keep their types, maps become dicts, bytes that are UTF-8 become text.

    A row with broken UTF-8 in a text, or a value that Python cannot represent (the year 30,000), is rejected.
    """

    def __init__(
        self,
        path: str,
        *,
        parquet: bool,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
    ) -> None:
        super().__init__(path, batch_size=batch_size, on_reject=on_reject)
        self._kind = "Parquet" if parquet else "Arrow"
        self._file = _open_seekable(path)
        try:
            self._batches = _read_parquet(self._file, batch_size) if parquet else _read_arrow(self._file, batch_size)
            schema = next(self._batches)
            self.columns = make_names_unique(schema.names)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            self._file.close()
            raise self._build_damage_error() from error
        self.types = dict(zip(self.columns, schema.types, strict=True))
        self.value_names = _read_value_names(schema.metadata or {})
        self.columns_vary = any(pa.types.is_struct(kind) or pa.types.is_map(kind) for kind in schema.types)
        self._bytes = [name for name, kind in self.types.items() if kind in (pa.binary(), pa.large_binary())]
        self._total = next(self._batches) if parquet else 0
        self._read = 0

    @property
    def share_read(self) -> float | None:
        """Share that was read: of the rows in Parquet, of the bytes in Arrow."""
        return min(self._read / self._total, 1.0) if self._total else measure_share_read(self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _build_damage_error(self) -> DataError:
        return DataError(
            f"The file {self.path!r} is not a complete {self._kind} file: it is truncated, damaged or has another "
            "format. Write or copy it again."
        )

    def _iterate_numbered_rows(self) -> Iterator[tuple[int, Row]]:
        number = 0
        while True:
            try:
                batch = next(self._batches, None)
                if batch is not None:
                    _validate(batch)
            except (pa.ArrowException, OSError) as error:
                raise self._build_damage_error() from error
            if batch is None:
                return
            self._read += batch.num_rows
            for row in self._iterate_plain_rows(batch.rename_columns(list(self.columns)), number):
                number += 1
                if row is not None:
                    for name in self._bytes:
                        row[name] = _decode_text(row[name])
                    yield number, row

    def _iterate_plain_rows(self, batch: Any, before: int) -> Iterator[Row | None]:
        try:
            yield from batch.to_pylist(maps_as_pydicts="lossy")
        except (ValueError, OverflowError):
            for position in range(batch.num_rows):
                try:
                    yield batch.slice(position, 1).to_pylist(maps_as_pydicts="lossy")[0]
                except (ValueError, OverflowError) as error:
                    broken = isinstance(error, UnicodeDecodeError)
                    reason = "bytes that are not utf-8" if broken else f"a value that cannot be read: {error}"
                    self.reject(before + position + 1, reason)
                    yield None


def _read_parquet(file: BinaryIO, batch_size: int) -> Iterator[Any]:
    """Yield the schema, the number of rows, then the record batches."""
    # By default the library reads 32 MiB ahead, and keeps them until the end.
    reader = pq.ParquetFile(file, pre_buffer=False, buffer_size=BUFFER)
    yield reader.schema_arrow
    yield reader.metadata.num_rows
    yield from reader.iter_batches(batch_size=batch_size)


def _read_arrow(file: BinaryIO, batch_size: int) -> Iterator[Any]:
    """Yield the schema, then the record batches, cut to `batch_size`."""
    is_file = file.read(6) == b"ARROW1"
    file.seek(0)
    if is_file:
        reader = pa.ipc.open_file(file)
        yield reader.schema
        batches: Iterator[Any] = (reader.get_batch(n) for n in range(reader.num_record_batches))
    else:
        reader = pa.ipc.open_stream(file)
        yield reader.schema
        batches = iter(reader)
    for batch in batches:
        for start in range(0, batch.num_rows, batch_size):
            yield batch.slice(start, batch_size)


def _validate(batch: Any) -> None:
    """Raise `ArrowInvalid` if the batch points outside its own bytes: reading such values would crash the process.

    Texts are checked as bytes, because only the rows with broken UTF-8 are rejected.
    """
    for column in batch.columns:
        if pa.types.is_string(column.type):
            column.view(pa.binary()).validate(full=True)
        elif pa.types.is_large_string(column.type):
            column.view(pa.large_binary()).validate(full=True)
        else:  # numbers and times: only their sizes; a time of day out of range rejects only its row
            column.validate(full=not pa.types.is_primitive(column.type))


def _read_value_names(metadata: Mapping[bytes, bytes]) -> dict[str, dict[str, str]]:
    """Return the label names by number, for each column, from the schema that the library `datasets` writes."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        kinds = {column: kind.get("feature", kind) for column, kind in features.items() if isinstance(kind, dict)}
        named = {column: kind["names"] for column, kind in kinds.items() if isinstance(kind, dict) and "names" in kind}
        return {column: {str(n): str(name) for n, name in enumerate(names)} for column, names in named.items()}
    except (ValueError, KeyError, TypeError, AttributeError):  # written by something else
        return {}


def _decode_text(cell: Any) -> Any:
    """Return bytes as text if they are UTF-8: some programs write texts to Parquet as plain bytes."""
    try:
        return cell.decode() if isinstance(cell, bytes) else cell
    except UnicodeDecodeError:
        return cell


def _open_seekable(path: str) -> BinaryIO:
    """Open `path`; a packed file is unpacked to a temporary file first, because these formats are read from the end."""
    file = open_bytes(path)
    if file.seekable() and not isinstance(file, CompressedStream):
        return file
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - the reader closes it
    try:
        with file, read_errors(path):
            shutil.copyfileobj(file, unpacked, 1 << 20)
    except BaseException:
        unpacked.close()
        raise
    unpacked.seek(0)
    return unpacked
