"""Detect the dialect of delimited text from its first lines: delimiter, quoting, escapes, whether there is a header."""

from __future__ import annotations

import csv
import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from insula.core.errors import DataError
from insula.core.sentences import pluralise, shorten
from insula.data.known_column_names import ALL_NAMES

DELIMITERS = (",", ";", "\t", "|")
_SPELLED = {"tab": "\t", "\\t": "\t"}
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 1 << 16
_MIN_RECURRING = 2  # how often the first cell of a column recurs below it before it is a value and not a name
_SHOWN = 40
_INVISIBLE = string.whitespace + "\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff"
_MAX_SHOWN_NAMES = 5  # shown in an error
_MIN_REGULAR = 0.95  # share of rows that must have the same number of cells before the header is measured by them
_MAX_LINES_BEFORE_HEADER = 10  # searched for the header
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_ESCAPED_QUOTE = re.compile(r'(\\+)"')
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


@dataclass(frozen=True)
class Dialect:
    """The rules for splitting lines into cells.

    quoted     False if quotes are characters of the text
    blanks     True if blanks after a delimiter are skipped, so that a quote behind them opens a cell
    backslash  True if a backslash escapes a quote inside a quoted cell
    skipped    lines before the header: those that only state the delimiter (`sep=;`), titles and comments
    notes      sentences on what is unusual
    """

    delimiter: str
    quoted: bool = True
    blanks: bool = False
    backslash: bool = False
    skipped: int = 0
    notes: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """The options of `csv.reader`."""
        quoting = csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE
        return {"delimiter": self.delimiter, "skipinitialspace": self.blanks, "quoting": quoting}


def detect_dialect(head: Sequence[str], *, tabs: bool, separator: str | None = None) -> Dialect:
    """Return the dialect of a file that starts with the lines `head`.

    tabs       True for TSV, whose cells are separated by tabs if the header has one
    separator  delimiter given by the user, or `tab`; `DataError` if it is not one character
    """
    delimiter = None if separator is None else parse_separator(separator)
    first = next((number for number, line in enumerate(head) if line.strip()), 0)
    skipped = 0
    if delimiter is None and head and (match := _SEPARATOR_LINE.fullmatch(head[first])):
        delimiter, skipped = match[1], first + 1
    notes = []
    if delimiter is None and not skipped and (skipped := _count_lines_before_header(head)):
        notes.append(f"{pluralise(skipped, 'line')} before the names of the columns skipped.")
    sample = _take_sample(head[skipped:])
    header = next((line for line in sample if line.strip()), "")
    if delimiter is None:
        delimiter = "\t" if tabs and "\t" in header else _choose_delimiter(sample, header)
    if tabs and delimiter == "\t" and not _has_quoted_cells(sample):
        return Dialect("\t", quoted=False, skipped=skipped, notes=tuple(notes))
    found = Dialect(delimiter, skipped=skipped)
    if delimiter == "|" or (tabs and delimiter != "\t" and separator is None and delimiter in header):
        notes.append(f"The cells are separated by {delimiter!r}.")
    blanks = Dialect(delimiter, blanks=True, skipped=skipped)
    hidden, still_hidden = (_count_hidden_quotes(sample, Dialect(delimiter, blanks=skip)) for skip in (False, True))
    if hidden > still_hidden and _count_irregular(sample, blanks) <= _count_irregular(sample, found):
        found = blanks
        notes.append("Blanks after a separator are skipped, because quotes follow them.")
    escaped = Dialect(delimiter, blanks=found.blanks, backslash=True, skipped=skipped)
    if any('\\"' in line for line in sample) and _count_irregular(sample, escaped) < _count_irregular(sample, found):
        found = escaped
        notes.append('Quotes inside cells are escaped by a backslash (\\").')
    return Dialect(delimiter, blanks=found.blanks, backslash=found.backslash, skipped=skipped, notes=tuple(notes))


def parse_separator(separator: str) -> str:
    """Return the delimiter of that name; `DataError` if it is not one character or `tab`."""
    found = _SPELLED.get(separator, separator)
    if len(found) != 1 or found in '"\r\n':
        raise DataError(
            f"The separator must be one character, or tab. Got {separator!r}. Leave it out to let insula detect it."
        )
    return found


def strip_invisible(name: str) -> str:
    """Return a column name without blanks and invisible characters around it, which spreadsheets and scripts leave."""
    return name.strip(_INVISIBLE)


def double_escaped_quotes(line: str) -> str:
    """Return a line with quotes doubled, as `csv` expects them, where a backslash escapes them."""
    return _ESCAPED_QUOTE.sub(lambda match: "\\" * (len(match[1]) // 2) + ('""' if len(match[1]) % 2 else '"'), line)


def require_header(records: Sequence[Sequence[str]], path: str) -> None:
    """Raise `DataError` if the first record looks like data: its cells recur below, and none is a usual column name."""
    if not records:
        return
    first = [cell.strip() for cell in records[0]]
    if any(cell.lower() in ALL_NAMES for cell in first):
        return
    rows = [row for row in records[1:] if len(row) == len(first)]
    for column, cell in enumerate(first):
        values = [row[column].strip() for row in rows]
        if not cell or not values:
            continue
        recurs = values.count(cell) >= _MIN_RECURRING and 2 * len(set(values)) <= len(values)
        numbers = _NUMBER.fullmatch(cell) is not None and all(map(_NUMBER.fullmatch, values))
        if recurs or numbers:
            why = "is also a value of its column" if recurs else "is a number like all values of its column"
            raise DataError(
                f"The first line of {path!r} looks like data, not like column names: "
                f"{shorten(cell, _SHOWN)!r} {why}. If the file has no header, pass --no-header and name the "
                "columns by number, such as --text 2; if the line is the header, pass --header. In Python, "
                "recipes and requests set `header` to false or true.",
                code="header_is_data",
                cell=shorten(cell, _SHOWN),
            )


def _count_lines_before_header(head: Sequence[str]) -> int:
    """Return the number of lines before the first one with a usual column name, if the lines below have as many cells.

    Titles and comments of exporting programs have fewer cells, and no name of a column.
    """
    lines = _take_sample(head)
    for number, line in enumerate(lines[:_MAX_LINES_BEFORE_HEADER]):
        for delimiter in DELIMITERS:
            names = [cell.strip().strip('"').lower() for cell in line.split(delimiter)]
            if ALL_NAMES.isdisjoint(names):
                continue
            if len(names) < 2 or not all(names) or number == 0:
                return 0
            below = [other.count(delimiter) for other in lines[number + 1 :] if other.strip()]
            regular = sum(count >= len(names) - 1 for count in below) >= _MIN_REGULAR * len(below)
            above = max(other.count(delimiter) for other in lines[:number])
            return number if below and regular and above < len(names) - 1 else 0
    return 0


def complete_header(first: Sequence[str], records: Sequence[Sequence[str]], path: str) -> tuple[list[str], list[str]]:
    """Return the names of the columns, one for each cell of the rows, and notes on names that were added or removed.

    first    the cells of the header
    records  the first records below it

    A header may be narrower by the row numbers in front (as R writes them), or by empty cells at the end of each row;
    it may be wider by empty names at its end. Raises `DataError` if nearly all rows have more cells for another reason:
    then nobody knows which name belongs to which cell.
    """
    names, rows = list(first), [row for row in records if row]
    width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (len(names), 0)
    missing = width - len(names)
    if len(rows) < _MIN_RECURRING or count < _MIN_REGULAR * len(rows) or not missing:
        return names, []
    regular = [row for row in rows if len(row) == width]
    if missing < 0:
        return (names, []) if any(name.strip() for name in names[width:]) else (names[:width], [])
    if not any(cell.strip() for row in regular for cell in row[-missing:]):
        return names + [""] * missing, [f"Each row ends with {pluralise(missing, 'empty cell')} without a column name."]
    numbers = [row[0].strip() for row in regular]
    if missing == 1 and len(set(numbers)) == len(numbers) and all(map(_NUMBER.fullmatch, numbers)):
        return ["", *names], ["The first column has no name and holds row numbers; the names are those of the others."]
    shown = ", ".join(repr(shorten(name, _SHOWN)) for name in names[:_MAX_SHOWN_NAMES])
    raise DataError(
        f"The first line of {path!r} has {pluralise(len(names), 'cell')} ({shown}), but the rows below have {width}, "
        "so that it does not name their columns. Add the missing names. If it is not a header, pass --no-header; "
        "if texts have separators in them, put quotes around the texts, or choose another one with --separator.",
        code="short_header",
        names=len(names),
        cells=width,
    )


def read_sample_records(head: Sequence[str], dialect: Dialect) -> list[list[str]]:
    """Return the first records, as far as they can be read, without the lines before the header."""
    sample = _take_sample(head[dialect.skipped :])
    lines = map(double_escaped_quotes, sample) if dialect.backslash else iter(sample)
    records: list[list[str]] = []
    reader = csv.reader(lines, **dialect.options)
    while True:
        try:
            records.append(next(reader))
        except StopIteration:
            return [record for record in records if record]
        except csv.Error:
            continue


def _count_hidden_quotes(sample: Sequence[str], dialect: Dialect) -> int:
    """Return the number of cells with a quote after blanks, which does not start a quoted cell."""
    cells = (cell for record in read_sample_records(sample, dialect) for cell in record)
    return sum(cell[:1].isspace() and cell.lstrip()[:1] == '"' for cell in cells)


def _take_sample(head: Sequence[str]) -> list[str]:
    lines: list[str] = []
    size = 0
    for line in head[:_SAMPLE_LINES]:
        size += len(line)
        if lines and size > _SAMPLE_CHARACTERS:
            break
        lines.append(line)
    return lines


def _choose_delimiter(sample: Sequence[str], header: str) -> str:
    """Return the delimiter of the header with which most lines have as many cells as it has; the most frequent of
    equals. Spreadsheets in many countries write semicolons."""
    found = [delimiter for delimiter in DELIMITERS if delimiter in header]
    if len(found) < 2:
        return found[0] if found else ","
    share = {delimiter: _count_irregular(sample, Dialect(delimiter)) / len(sample) for delimiter in found}
    return min(found, key=lambda delimiter: (round(share[delimiter], 1), -header.count(delimiter)))


def _count_irregular(sample: Sequence[str], dialect: Dialect) -> int:
    """Return the number of lines that are not readable, or have another number of cells than the first record."""
    lines = map(double_escaped_quotes, sample) if dialect.backslash else iter(sample)
    reader = csv.reader(lines, strict=True, **dialect.options)
    irregular = before = width = 0
    while True:
        try:
            cells = next(reader)
            width = width or len(cells)
            if cells and len(cells) != width:
                irregular += reader.line_num - before
        except StopIteration:
            return irregular
        except csv.Error as error:
            # The sample may end inside a record.
            is_cut = "end of data" in str(error) and len(sample) == _SAMPLE_LINES
            irregular += 0 if is_cut and reader.line_num - before < len(sample) / 2 else reader.line_num - before
        before = reader.line_num


def _has_quoted_cells(sample: Sequence[str]) -> bool:
    """Whether quotes in tab-separated text quote cells; in most corpora they are plain characters."""
    widths: set[int] = set()
    reader = csv.reader(sample, delimiter="\t", strict=True)
    complete = 0
    try:
        for cells in reader:
            complete = reader.line_num
            widths.add(len(cells))
        is_readable = True
    except csv.Error as error:
        # The sample may end inside a record; a quote that spans much of it does not quote a cell.
        is_readable = "end of data" in str(error) and complete >= 0.99 * len(sample)
    plain = {line.count("\t") + 1 for line in sample if line.strip()}
    # Quoting must not make the table less regular than reading quotes as text.
    return is_readable and len(widths - {0}) <= len(plain)
