"""The file formats, and `open_rows`, which opens a file in any of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.progress import Progress
from insula.data.formats.byte_source import STDIN, find_zip_member, open_bytes
from insula.data.formats.csv_rows import CsvRows
from insula.data.formats.json_rows import JsonLinesRows, JsonListRows
from insula.data.formats.line_rows import FastTextRows, LineRows, detect_content, has_json_lines, require_rows
from insula.data.formats.row_reader import ReadLimits, Reject, Row, RowReader
from insula.data.formats.text_lines import TextLines

Format = Literal["csv", "tsv", "jsonl", "json", "parquet", "arrow", "lines", "fasttext", "excel"]
FORMATS: tuple[Format, ...] = get_args(Format)
WRITTEN_FORMATS: tuple[Format, ...] = tuple(format for format in FORMATS if format not in ("fasttext", "excel"))
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
    ".xlsx": "excel",
    ".xls": "excel",
    ".ods": "excel",
}

FOREIGN = {
    **dict.fromkeys((".docx", ".doc", ".odt", ".rtf", ".pdf", ".pptx"), "Export its texts as CSV or JSON Lines."),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".wav", ".mp3"), "Export its texts as CSV or JSON Lines."),
    **dict.fromkeys((".pkl", ".pickle", ".npy", ".npz", ".pt", ".h5", ".hdf5"), "Write its rows as CSV or JSON Lines."),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".mdb", ".accdb", ".sql"), "Export its table as CSV."),
    **dict.fromkeys((".sav", ".dta", ".sas7bdat", ".rds", ".rdata", ".numbers"), "Save it as CSV."),
    **dict.fromkeys((".xml", ".html", ".htm", ".yaml", ".yml", ".toml"), "Write its rows as CSV or JSON Lines."),
    **dict.fromkeys((".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tgz"), "Unpack it first."),
}
"""Endings of files with other content than rows that insula reads, and what to do with them."""


def find_format(path: str | Path) -> Format:
    """Return the format of a file name, ignoring `.gz`, for a `.zip` that of the file in it; `DataError` with the known
    endings for other names."""
    name = Path(path).name.lower().removesuffix(".gz")
    if name.endswith(".zip") and Path(path).is_file():
        name = find_zip_member(Path(path)).lower()
    ending = Path(name).suffix
    if ending in FOREIGN:
        raise DataError(
            f"The file {str(path)!r} must be in a format that insula reads ({', '.join(EXTENSIONS)}). Got {ending!r}. "
            f"{FOREIGN[ending]}"
        )
    if ending not in EXTENSIONS:
        raise DataError(
            f"The name of {str(path)!r} must end in one of {', '.join(EXTENSIONS)}, optionally with .gz or .zip. "
            f"Got {ending or 'no ending'!r}.{suggest(ending, EXTENSIONS)} "
            "Rename the file or name its format with --format (in Python: `format`)."
        )
    return EXTENSIONS[ending]


def find_written_format(path: str | Path) -> Format:
    """Return the format of an output's name, ignoring `.gz`; `DataError` for others, and for formats that are only
    read."""
    ending = Path(Path(path).name.lower().removesuffix(".gz")).suffix
    known = [name for name, kind in EXTENSIONS.items() if kind in WRITTEN_FORMATS]
    if ending not in known:
        raise DataError(
            f"The name of the output {str(path)!r} must end in one of {', '.join(known)}, optionally with .gz. "
            f"Got {ending or 'no ending'!r}.{suggest(ending, known)} Rename it."
        )
    return EXTENSIONS[ending]


def check_format(name: str, known: Sequence[Format] = FORMATS) -> Format:
    """Return the format of that name among the `known`; `DataError` with the nearest name if there is none."""
    for one in known:
        if name == one:
            return one
    raise DataError(f"The format must be one of {', '.join(known)}. Got {name!r}.{suggest(name, known, CHOOSE)}")


def has_known_format(path: Path) -> bool:
    """Whether `find_format` knows the ending of the name."""
    return Path(path.name.lower().removesuffix(".gz")).suffix in EXTENSIONS


_TEXT_READERS: dict[str, Callable[..., RowReader]] = {
    "jsonl": JsonLinesRows,
    "json": JsonListRows,
    "lines": LineRows,
    "fasttext": FastTextRows,
}


class ReadOptions(NamedTuple):
    """Options for reading a file, instead of detected ones; `open_rows` takes the same arguments."""

    format: str | None = None
    separator: str | None = None
    header: bool | None = None


DETECTED = ReadOptions()


def open_rows(
    path: str | Path,
    *,
    batch_size: int = 8192,
    format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    on_reject: Callable[[Reject], None] | None = None,
    limits: ReadLimits | None = None,
) -> RowReader:
    """Open a file of rows; `-` is standard input.

    format     one of `FORMATS` (default: that of the name; standard input and `.txt` files hold plain lines unless
               their first lines are a table with usual column names, JSON, or start with `__label__`)
    separator  character between the cells of CSV and TSV, or `tab` (default: detected)
    header     False if CSV and TSV have no header; True if the first line is one although it looks like data
    encoding   Python name (default: detected)
    on_reject  called with rows that cannot be read (default: they are collected in `rejects` of the reader)
    limits     bounds on what a text file from a stranger may cost (default: none)

    Memory use is constant: at most `batch_size` rows and a block of the file are held (a `.json` list is held as text).
    Raises `MissingFileError`, or `DataError` if there is nothing to read or a limit is exceeded.
    """
    kind = check_format(format) if format is not None else None if str(path) == STDIN else find_format(path)
    if kind in ("parquet", "arrow"):
        # pyarrow takes half a second to import, and most files are text.
        from insula.data.formats.arrow_rows import ArrowRows

        return ArrowRows(str(path), parquet=kind == "parquet", batch_size=batch_size, on_reject=on_reject)
    if kind == "excel" and limits is not None:
        raise DataError(f"The service does not read Excel files. Got {str(path)!r}. Save it as CSV and send that.")
    if kind == "excel":
        from insula.data.formats.excel_rows import ExcelRows

        return ExcelRows(str(path), header=header, batch_size=batch_size, on_reject=on_reject)
    stream = open_bytes(path)
    try:
        lines = TextLines(
            stream,
            str(path),
            encoding=encoding,
            live=str(path) == STDIN,
            most_line_bytes=None if limits is None else limits.line_bytes,
        )
        notes = []
        is_typed = kind is None
        if format is None:
            require_rows(lines.head, str(path))
        if format is None and kind in (None, "lines"):
            kind = detect_content(lines.head, str(path), is_typed=is_typed)
            if kind != "lines" and not (is_typed and kind == "jsonl"):
                notes.append(f"The lines are read as {kind}. To read one text per line, use --format lines.")
        if kind in ("csv", "tsv"):
            table = CsvRows(
                lines,
                str(path),
                tabs=kind == "tsv",
                separator=separator,
                header=header,
                batch_size=batch_size,
                on_reject=on_reject,
                limits=limits,
            )
            table.notes[:0] = notes
            return table
        if separator is not None or header is not None:
            raise DataError(
                f"Separator and header apply only to CSV and TSV. The file {str(path)!r} is read as {kind}. "
                "Leave them out."
            )
        if kind == "json" and has_json_lines(lines.head):
            kind = "jsonl"
        opened = _TEXT_READERS[kind or "lines"](
            lines, str(path), batch_size=batch_size, on_reject=on_reject, limits=limits
        )
        opened.notes[:0] = notes
        return opened
    except BaseException:
        if stream is not sys.stdin.buffer:
            stream.close()
        raise


def scan_rows(
    path: str | Path, *, batch_size: int = 8192, reading: ReadOptions = DETECTED, progress: Progress
) -> Iterator[list[Row]]:
    """Yield the rows of a file in a first pass, to find their columns; unreadable rows are left to the second pass."""
    with open_rows(path, batch_size=batch_size, on_reject=lambda _: None, **reading._asdict()) as reader:
        progress.start("reading the columns")
        try:
            for batch in reader:
                progress.advance(len(batch.rows))
                yield batch.rows
        finally:
            progress.finish()
