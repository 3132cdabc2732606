"""Read CSV and TSV files."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain

from insula.core.errors import DataError
from insula.core.sentences import pluralise
from insula.data.formats.csv_dialect import (
    complete_header,
    detect_dialect,
    double_escaped_quotes,
    read_sample_records,
    require_header,
    strip_invisible,
)
from insula.data.formats.row_reader import ReadLimits, Reject, Row, TextRows, make_names_unique
from insula.data.formats.text_lines import TextLines

# A longer quoted cell is a quote that was never closed.
_MAX_LINES = 10_000
_MAX_CHARACTERS = 64_000_000


class CsvRows(TextRows):
    """Rows of delimited text whose first record names the columns; quoted cells may span lines.

    separator  delimiter of the cells (default: detected)
    header     False if the first record is a row: columns are then called `column_1`, `column_2` and so on. By default
               the first record is the header, unless it looks like data: then `DataError` is raised

    The line number of a record is that of its first line. Records with another number of cells than the header, with
    bytes that cannot be decoded, or with a quote that is never closed are rejected; reading resumes at the next line.
    """

    def __init__(
        self,
        lines: TextLines,
        path: str,
        *,
        tabs: bool = False,
        separator: str | None = None,
        header: bool | None = None,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
        limits: ReadLimits | None = None,
    ) -> None:
        super().__init__(lines, path, batch_size=batch_size, on_reject=on_reject, limits=limits)
        # The limit is process-wide: only raise it. It fits a C long on every platform.
        csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))
        self._dialect = detect_dialect(lines.head, tabs=tabs, separator=separator)
        self.notes.extend(self._dialect.notes)
        records = read_sample_records(lines.head, self._dialect)
        if header is None:
            require_header(records, path)
        self._escaped = self._stray = 0  # rows with quotes that are escaped, or inside a quoted cell
        self._width = 0
        self._feed = _RecordFeed(
            lines,
            self._dialect.skipped,
            backslash=self._dialect.backslash,
            most_characters=_MAX_CHARACTERS if limits is None else limits.line_bytes,
        )
        self._records = self._read_records()
        line, first = next(self._records, (0, []))
        if not first:
            raise DataError(
                f"The file {path!r} has no header line with the names of its columns. Add one, or read it with "
                "--no-header.",
                code="no_header",
            )
        if header is not False:
            first, notes = complete_header(first, records[1:], path)
            self.notes.extend(notes)
        self._width = len(first)
        self._header: list[str] | None = None if header is False or len(first) < 2 else first
        if header is False:
            self._records = chain([(line, first)], self._records)
            self.columns = tuple(f"column_{number}" for number in range(1, len(first) + 1))
        else:
            self.columns = make_names_unique(
                strip_invisible(cell) or f"column_{number}" for number, cell in enumerate(first, start=1)
            )

    @property
    def warnings(self) -> list[str]:
        """Sentences on the dialect and on the repairs so far."""
        found = super().warnings
        if self._escaped:
            found.append(f'{pluralise(self._escaped, "row")} with quotes escaped by a backslash (\\") read as such.')
        if self._stray:
            found.append(f"{pluralise(self._stray, 'row')} with text after a closing quote read without that quote.")
        return found

    def _iterate_numbered_rows(self) -> Iterator[tuple[int, Row]]:
        columns, width = self.columns, self._width
        for line, cells in self._records:
            if cells == self._header:  # files that were joined
                self.reject(line, "repeats the names of the columns", "".join(self._feed.record))
            elif len(cells) == width:
                yield line, dict(zip(columns, cells, strict=True))
            elif (repaired := self._split_escaped(self._feed.record)) is not None:
                yield line, dict(zip(columns, repaired, strict=True))
            else:
                self.reject(
                    line, f"{pluralise(len(cells), 'cell')}, but the header has {width}", "".join(self._feed.record)
                )

    def _read_records(self) -> Iterator[tuple[int, list[str]]]:
        feed, bad_lines, options = self._feed, self._text.bad_lines, self._dialect.options
        line = 1 + self._dialect.skipped
        # Strict: else a quote inside a quoted cell would be dropped silently.
        reader = csv.reader(iter(feed), strict=True, **options)
        while True:
            feed.record.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                repaired = self._split_escaped(feed.record[:1])
                if repaired is None and len(feed.record) == 1 and not feed.ended:
                    repaired = self._split_leniently(feed.record[0])
                if repaired is not None:
                    cells = repaired
                elif len(feed.record) > 1 or feed.ended:
                    # The reader asked for more lines than the file has; or a later literal quote has ended the cell,
                    # and the lines between, perhaps whole rows, would be one text.
                    self.reject(line, "opens a quote that is never closed", feed.record[0])
                else:
                    self.reject(line, f"not readable as CSV: {error}", feed.record[0])
                if len(feed.record) > 1 or feed.ended:
                    feed.rewind()
                    reader = csv.reader(iter(feed), strict=True, **options)
                if repaired is None:
                    line += 1
                    continue
            start, line = line, line + len(feed.record)
            if bad_lines and not bad_lines.isdisjoint(range(start, line)):
                self.reject(start, f"bytes that are not {self.encoding}", "".join(feed.record))
            elif cells:
                yield start, cells

    def _split_escaped(self, record: list[str]) -> list[str] | None:
        """Return the cells of a record whose quotes are escaped by backslashes; None if that does not explain it."""
        text = "".join(record)
        if self._dialect.backslash or not self._dialect.quoted or '\\"' not in text:
            return None
        try:
            (cells,) = csv.reader(
                double_escaped_quotes(text).splitlines(keepends=True), strict=True, **self._dialect.options
            )
        except (csv.Error, ValueError):
            return None
        if len(cells) != self._width:
            return None
        self._escaped += 1
        return cells

    def _split_leniently(self, line: str) -> list[str] | None:
        """Return the cells of a line with text after a closing quote; None if it cannot be read in this way either."""
        if '\\"' in line:
            return None
        try:
            (cells,) = csv.reader([line], **self._dialect.options)
        except csv.Error:
            return None
        if any(cell.endswith("\n") for cell in cells):  # the last quote is not closed
            return None
        self._stray += 1
        return cells


class _RecordFeed:
    """Passes lines to `csv.reader`, keeps the lines of the current record, and can rewind to the second one."""

    def __init__(self, lines: TextLines, skipped: int, *, backslash: bool, most_characters: int) -> None:
        self._most_characters = most_characters
        self._lines = iter(lines)
        for _ in range(skipped):
            next(self._lines, None)
        self._again: deque[str] = deque()
        self._backslash = backslash
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
                if len(record) > _MAX_LINES or size > self._most_characters:
                    break
            else:
                size = 0
            yield double_escaped_quotes(line) if self._backslash and '\\"' in line else line
        self.ended = True

    def rewind(self) -> None:
        self._again.extendleft(reversed(self.record[1:]))
        del self.record[1:]
