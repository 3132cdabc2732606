"""Read CSV and TSV files."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from insula.core.errors import DataError
from insula.core.sentences import counted
from insula.data.formats.row_reader import Reject, Row, TextRows, unique_names
from insula.data.formats.text_lines import TextLines

# A longer quoted cell is a quote that was never closed.
_MOST_LINES = 10_000
_MOST_CHARACTERS = 64_000_000


class CsvRows(TextRows):
    """Rows of delimited text whose first record names the columns; quoted cells may span lines.

    The line number of a record is that of its first line. Records with another number of cells than the header, with
    bytes that cannot be decoded, or with a quote that is never closed are rejected; reading resumes at the next line.
    """

    def __init__(
        self,
        lines: TextLines,
        path: str,
        *,
        tabs: bool = False,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
    ) -> None:
        super().__init__(lines, path, batch_size=batch_size, on_reject=on_reject)
        # The limit is process-wide: only raise it. It fits a C long on every platform.
        csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))
        self._dialect = _tab_dialect(lines.head) if tabs else {"delimiter": _delimiter(lines.head)}
        self._feed = _RecordFeed(lines)
        self._records = self._read_records()
        _, header = next(self._records, (0, []))
        if not header:
            raise DataError(f"The file {path!r} has no header line with the names of its columns.")
        self.columns = unique_names(cell.strip() or f"column_{number}" for number, cell in enumerate(header, start=1))

    def _numbered_rows(self) -> Iterator[tuple[int, Row]]:
        columns, width = self.columns, len(self.columns)
        for line, cells in self._records:
            if len(cells) == width:
                yield line, dict(zip(columns, cells, strict=True))
            else:
                self.reject(
                    line, f"{counted(len(cells), 'cell')}, but the header has {width}", "".join(self._feed.record)
                )

    def _read_records(self) -> Iterator[tuple[int, list[str]]]:
        feed, bad_lines = self._feed, self._text.bad_lines
        line = 1
        reader = csv.reader(iter(feed), **self._dialect)
        while True:
            feed.record.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.reject(line, f"not readable as CSV: {error}", "".join(feed.record))
                line += len(feed.record)
                continue
            # The reader asked for more lines than the file has; or a later literal quote has ended the cell, and the
            # lines between, perhaps whole rows, would be one text.
            if feed.ended or (len(feed.record) > 1 and not self._is_strict(feed.record)):
                self.reject(line, "opens a quote that is never closed", feed.record[0])
                feed.rewind()
                reader = csv.reader(iter(feed), **self._dialect)
                line += 1
                continue
            start, line = line, line + len(feed.record)
            if bad_lines and not bad_lines.isdisjoint(range(start, line)):
                self.reject(start, f"bytes that are not {self.encoding}", "".join(feed.record))
            elif cells:
                yield start, cells

    def _is_strict(self, record: list[str]) -> bool:
        """True if every closing quote is at the end of its cell."""
        try:
            next(csv.reader(record, strict=True, **self._dialect))
        except csv.Error:
            return False
        return True


class _RecordFeed:
    """Passes lines to `csv.reader`, keeps those of the current record, and can rewind to the second of them."""

    def __init__(self, lines: TextLines) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self.record: list[str] = []
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        self.ended = False
        record, size = self.record, 0
        while True:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                break
            record.append(line)
            if len(record) > 1:
                size += len(line)
                if len(record) > _MOST_LINES or size > _MOST_CHARACTERS:
                    break
            else:
                size = 0
            yield line
        self.ended = True

    def rewind(self) -> None:
        self._again.extendleft(reversed(self.record[1:]))


def _delimiter(head: list[str]) -> str:
    """Return the most frequent delimiter of the header: spreadsheets in many countries write semicolons."""
    header = next((line for line in head if line.strip()), "")
    return max((",", ";", "\t"), key=header.count)


def _tab_dialect(head: list[str]) -> dict[str, Any]:
    """Return whether quotes in tab-separated text quote cells or are characters of the text, as in most corpora."""
    widths: set[int] = set()
    reader = csv.reader(head, delimiter="\t", strict=True)
    whole = 0
    try:
        for cells in reader:
            whole = reader.line_num
            widths.add(len(cells))
        quoting = True
    except csv.Error as error:
        # The head may end inside a record; a quote that spans much of it does not quote a cell.
        quoting = "end of data" in str(error) and whole >= 0.99 * len(head)
    plain = {line.count("\t") + 1 for line in head if line.strip()}
    # Quoting must not make the table less regular than reading quotes as text.
    if quoting and len(widths - {0}) <= len(plain):
        return {"delimiter": "\t"}
    return {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
