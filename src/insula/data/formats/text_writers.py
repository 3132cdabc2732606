"""Write CSV, TSV, JSON Lines, a JSON list, plain lines; in UTF-8, lines end in `\\n`."""

from __future__ import annotations

import csv
import datetime
import decimal
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from insula.core.errors import DataError
from insula.data.formats.row_reader import Row
from insula.data.formats.row_writer import RowWriter

LIST_MARK = "|"


class JsonLinesWriter(RowWriter):
    """Writes one JSON object per line; a number that is not finite becomes null, as in a JSON list."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows."""
        lines = "".join(f"{text}\n" for text in _format_json(rows, self._columns))
        self._stream.write(lines.encode("utf-8", "backslashreplace"))  # unpaired surrogates as JSON escapes


class JsonListWriter(RowWriter):
    """Writes one JSON list of objects; `first` is False if earlier objects already started the list."""

    END = b"\n]\n"

    def __init__(self, stream: BinaryIO, columns: Sequence[str] | None, *, first: bool = True) -> None:
        super().__init__(stream, columns)
        self._before = "[\n" if first else ",\n"

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows."""
        for text in _format_json(rows, self._columns):
            self._stream.write(f"{self._before}{text}".encode("utf-8", "backslashreplace"))
            self._before = ",\n"

    def finish(self) -> None:
        """Close the list."""
        self._stream.write(b"[]\n" if self._before == "[\n" else self.END)


class LineWriter(RowWriter):
    """Writes one value per line, line ends inside it as spaces: the only column, or `text` if there are several."""

    def __init__(self, stream: BinaryIO, columns: Sequence[str] | None) -> None:
        super().__init__(stream, columns)
        self._column = columns[0] if columns else None

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows."""
        for row in rows:
            if self._column is None:
                self._column = next(iter(row)) if len(row) == 1 else "text"
            if self._column not in row:
                raise DataError(
                    f"Plain lines need the column {self._column!r}, but a row has only {', '.join(row)}. Write JSON "
                    "Lines or CSV instead."
                )
            line = " ".join(_format_cell(row[self._column]).splitlines())
            self._stream.write(f"{line}\n".encode("utf-8", "replace"))


class DelimitedWriter(RowWriter):
    """Writes CSV, or TSV with `delimiter` tab; quotes cells only if necessary.

    header  column names, if the header was already written; else it is written before the first row
    """

    def __init__(
        self,
        stream: BinaryIO,
        columns: Sequence[str] | None,
        *,
        delimiter: str = ",",
        header: Sequence[str] | None = None,
    ) -> None:
        super().__init__(stream, columns)
        self._delimiter = delimiter
        self.header: Mapping[str, None] | None = None if header is None else dict.fromkeys(header)

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows, and the header before the first ones."""
        if not rows:
            return
        records: list[Iterable[str]] = []
        columns = self._columns
        chosen = rows if columns is None else [{name: row.get(name) for name in columns} for row in rows]
        flat = [_flatten(row) for row in chosen]
        if self.header is None:
            header = Header()
            header.add(chosen)
            self.header = dict.fromkeys(header.names)
            records.append(self.header)
        for cells in flat:
            if unknown := [name for name in cells if name not in self.header and cells[name] != ""]:
                raise DataError(
                    f"A later row has the column {unknown[0]!r}, which the first rows did not have: "
                    f"{', '.join(self.header)}. Pass all `columns` to open_writer, or write JSON Lines."
                )
            records.append([cells.get(name, "") for name in self.header])
        self._stream.write("".join(self._format_records(records)).encode("utf-8", "replace"))

    def finish(self) -> None:
        """Write the header if there were no rows and the columns are known."""
        if self.header is None and self._columns:
            self._stream.write("".join(self._format_records([self._columns])).encode("utf-8", "replace"))

    def _format_records(self, records: Iterable[Iterable[str]]) -> list[str]:
        lines = _Lines()
        # With "\n" alone the csv module would leave a lone "\r" unquoted, and could not read it back.
        csv.writer(lines, delimiter=self._delimiter, lineterminator="\r\n").writerows(records)
        return lines


class _Lines(list[str]):
    """Collects the output of `csv.writer`, one call per row, with `\n` in place of `\r\n`."""

    def write(self, line: str) -> None:
        self.append(line[:-2] + "\n")


class Header:
    """The column names that rows need in a table, in order of first appearance.

    taken  names of other columns, which no row may need
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._filled: dict[str, bool] = {}
        self._dicts: set[str] = set()
        self._columns: dict[str, str] = dict.fromkeys(taken, "")

    @classmethod
    def from_batches(cls, batches: Iterable[Sequence[Row]], taken: Iterable[str] = ()) -> Header:
        """Return the header that all these rows need; `DataError` as in `add`."""
        header = cls(taken)
        for rows in batches:
            header.add(rows)
        return header

    def add(self, rows: Iterable[Row]) -> None:
        """Add the columns of rows; `DataError` if two columns, even of different rows, get the same name."""
        for row in rows:
            for key, value in row.items():
                names = [key]
                if isinstance(value, Mapping):
                    self._dicts.add(key)
                    names = [_name_key_column(key, name) for name in value]
                if twice := [name for name in names if self._columns.setdefault(name, key) != key]:
                    objects = {key, self._columns[twice[0]]} & self._dicts
                    raise _build_duplicate_error(sorted(objects), twice[0])
            for name, cell in _flatten(row).items():
                self._filled[name] = self._filled.get(name, False) or cell != ""

    @property
    def names(self) -> list[str]:
        """The names; the name of a dict itself only if some row holds a value under it."""
        return [name for name, filled in self._filled.items() if filled or name not in self._dicts]


def _flatten(row: Mapping[str, Any]) -> dict[str, str]:
    cells: dict[str, str] = {}
    count = 0
    for key, value in row.items():
        if isinstance(value, Mapping):
            cells.update({_name_key_column(key, name): _format_cell(part) for name, part in value.items()})
        else:
            cells[key] = _format_cell(value)
        count += len(value) if isinstance(value, Mapping) else 1
    if len(cells) < count:
        raise _build_duplicate_error([key for key, value in row.items() if isinstance(value, Mapping)])
    return cells


def _name_key_column(key: str, part: Any) -> str:
    """Return the column name for a key of an object."""
    return f"{'score' if key == 'scores' else key}_{part}"


def _build_duplicate_error(objects: Sequence[str], name: str | None = None) -> DataError:
    return DataError(
        f"The columns of a table must have different names. Got two {f'named {name!r}' if name else 'of one name'} "
        f"because each key of {', '.join(map(repr, objects))} becomes a column. Write JSON Lines or Parquet, or rename "
        "the column."
    )


def _format_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return LIST_MARK.join(_format_cell(item) for item in value)
    return str(value)


def _format_json(rows: Sequence[Row], columns: Sequence[str] | None) -> Iterable[str]:
    for row in rows:
        chosen = row if columns is None else {name: row.get(name) for name in columns}
        try:
            yield _to_json(chosen)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"A row cannot be written as JSON: {error}. Use only numbers, texts, lists and objects in its values."
            ) from error


def _to_json(row: Row) -> str:
    how: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False, "default": _to_plain}
    try:
        return json.dumps(row, **how)
    except ValueError:  # NaN and infinity, which JSON cannot represent
        return json.dumps(_replace_non_finite(row), **how)


def _replace_non_finite(value: Any) -> Any:
    """Return a value with null for each number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _replace_non_finite(part) for key, part in value.items()}
    return [_replace_non_finite(part) for part in value] if isinstance(value, list | tuple) else value


def _to_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return value.tolist()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta | decimal.Decimal):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__}")
