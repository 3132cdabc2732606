"""The file formats, and `open_rows`, which opens a file in any of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

from insula.core.errors import DataError, nearest
from insula.core.progress import Progress
from insula.data.formats.byte_source import STDIN, open_bytes
from insula.data.formats.csv_rows import CsvRows
from insula.data.formats.json_rows import JsonLinesRows, JsonListRows
from insula.data.formats.line_rows import LineRows
from insula.data.formats.row_reader import Reject, Row, RowReader
from insula.data.formats.text_lines import TextLines

Format = Literal["csv", "tsv", "jsonl", "json", "parquet", "arrow", "lines"]
FORMATS: tuple[Format, ...] = get_args(Format)
EXTENSIONS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".txt": "lines",
}


def format_of(path: str | Path) -> Format:
    """Return the format of a file name, ignoring `.gz`; `DataError` with the known endings for other names."""
    name = Path(path).name.lower().removesuffix(".gz")
    ending = Path(name).suffix
    if ending not in EXTENSIONS:
        raise DataError(
            f"The name of {str(path)!r} must end in one of {', '.join(EXTENSIONS)}, each also with .gz. "
            f"Got {ending or 'no ending'!r}.{nearest(ending, EXTENSIONS)} Rename the file or name its format."
        )
    return EXTENSIONS[ending]


def checked_format(name: str) -> Format:
    """Return the format of that name; `DataError` with the nearest name if there is none."""
    for known in FORMATS:
        if name == known:
            return known
    raise DataError(f"The format must be one of {', '.join(FORMATS)}. Got {name!r}.{nearest(name, FORMATS)}")


def has_known_format(path: Path) -> bool:
    """True if `format_of` knows the ending of the name."""
    return Path(path.name.lower().removesuffix(".gz")).suffix in EXTENSIONS


def open_rows(
    path: str | Path,
    *,
    batch_size: int = 8192,
    format: str | None = None,
    encoding: str | None = None,
    on_reject: Callable[[Reject], None] | None = None,
) -> RowReader:
    """Open a file of rows; `-` is standard input: JSON Lines if it starts with `{`, else plain lines.

    Memory stays flat: at most `batch_size` rows and one block of the file are held (a `.json` list is held as text).
    Format and encoding are detected from the name and the bytes unless given. Rows that cannot be read are passed to
    `on_reject`, or collected in `rejects` of the reader. Raises `MissingFileError`, or `DataError` if there is nothing
    to read.
    """
    kind = checked_format(format) if format is not None else None if str(path) == STDIN else format_of(path)
    if kind in ("parquet", "arrow"):
        # pyarrow takes half a second to import, and most files are text.
        from insula.data.formats.arrow_rows import ArrowRows

        return ArrowRows(str(path), parquet=kind == "parquet", batch_size=batch_size, on_reject=on_reject)
    stream = open_bytes(path)
    try:
        lines = TextLines(stream, str(path), encoding=encoding, live=str(path) == STDIN)
        if kind is None:
            kind = "jsonl" if "".join(lines.head).lstrip().startswith("{") else "lines"
        if kind in ("csv", "tsv"):
            return CsvRows(lines, str(path), tabs=kind == "tsv", batch_size=batch_size, on_reject=on_reject)
        if kind == "json" and _holds_json_lines(lines.head):
            kind = "jsonl"
        reader = {"jsonl": JsonLinesRows, "json": JsonListRows, "lines": LineRows}[kind]
        return reader(lines, str(path), batch_size=batch_size, on_reject=on_reject)
    except BaseException:
        if stream is not sys.stdin.buffer:
            stream.close()
        raise


def scan_rows(
    path: str | Path, *, batch_size: int = 8192, format: str | None = None, progress: Progress
) -> Iterator[list[Row]]:
    """Yield the rows of a file in a first pass, to find their columns; unreadable rows are left to the second pass."""
    with open_rows(path, batch_size=batch_size, format=format, on_reject=lambda _: None) as reader:
        progress.start("reading the columns")
        try:
            for batch in reader:
                progress.advance(len(batch.rows))
                yield batch.rows
        finally:
            progress.finish()


def _holds_json_lines(head: list[str]) -> bool:
    """True if the first two lines are objects: many data sets are published as JSON Lines with the ending .json."""
    first = [line for line in head if line.strip()][:2]
    try:
        return len(first) == 2 and all(isinstance(json.loads(line), dict) for line in first)
    except (ValueError, RecursionError):
        return False
