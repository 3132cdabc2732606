"""Read plain text files, one text per line; find tables, JSON and lines of fastText in them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from insula.core.errors import DataError
from insula.data.formats.csv_dialect import DELIMITERS, detect_dialect, read_sample_records
from insula.data.formats.row_reader import Row, TextRows
from insula.data.known_column_names import ALL_NAMES

Content = Literal["csv", "tsv", "jsonl", "json", "fasttext", "lines"]
_MIN_LINES = 3  # fewer lines with one tab each may be texts
_MIN_SHARE = 0.95
_LABELLED = re.compile(r"__label__\S+\s")
_OBJECT = re.compile(r'\s*\{\s*"[^"]+"\s*:\s*[\[{]')
_OBJECTS = re.compile(r"\s*\[\s*(\{|$)")
LABEL_PREFIX = "__label__"
_DOWNLOAD = "The download may have failed, or need a login: open the file, and download it again."
_DOCUMENTS = (
    ("<!doctype html", "a web page", _DOWNLOAD),
    ("<html", "a web page", _DOWNLOAD),
    ("<?xml", "an XML document", "Export its rows as CSV or JSON Lines."),
    ("version https://git-lfs.github.com/", "a pointer of Git LFS", "Get the file itself with: git lfs pull"),
)


class LineRows(TextRows):
    """Every line is a row, even a blank one, so that predictions line up with the file."""

    columns = ("text",)

    def _iterate_numbered_rows(self) -> Iterator[tuple[int, Row]]:
        bad_lines = self._text.bad_lines
        for number, line in enumerate(self._text, start=1):
            text = line.removesuffix("\n").removesuffix("\r")
            if number in bad_lines:
                self.reject(number, f"bytes that are not {self.encoding}", text)
            else:
                yield number, {"text": text}


class FastTextRows(TextRows):
    """Lines of fastText such as `__label__joy __label__love some text`, in columns `text` and `label`; blank ones are
    skipped."""

    columns = ("text", "label")

    def _iterate_numbered_rows(self) -> Iterator[tuple[int, Row]]:
        bad_lines = self._text.bad_lines
        for number, line in enumerate(self._text, start=1):
            words = line.split()
            labels = list(itertools.takewhile(lambda word: word.startswith(LABEL_PREFIX), words))
            if number in bad_lines:
                self.reject(number, f"bytes that are not {self.encoding}", line.rstrip("\r\n"))
            elif words and not labels:
                self.reject(number, f"no {LABEL_PREFIX} at the start of the line", line.rstrip("\r\n"))
            elif words:
                rest = line.split(maxsplit=len(labels))[len(labels) :]
                names = [label.removeprefix(LABEL_PREFIX) for label in labels]
                yield (
                    number,
                    {
                        "text": rest[0].rstrip() if rest else "",
                        "label": names[0] if len(names) == 1 else names,
                    },
                )


def detect_content(head: Sequence[str], path: str, *, is_typed: bool = False) -> Content:
    """Return the format of a file that starts with the lines `head`; `lines` for plain texts.

    is_typed  True for standard input, whose first lines are all that is known: they are texts if nothing else is sure

    A table needs a header with a usual column name. `DataError` if the lines have the tabs of a table without one: they
    may be texts or cells, and only the user knows.
    """
    lines = [line.rstrip("\r\n") for line in head if line.strip()][:200]
    if not lines:
        return "lines"
    if has_json_lines(lines) or (is_typed and lines[0].lstrip().startswith("{")):
        return "jsonl"
    if _OBJECTS.match("".join(lines[:2])):
        return "json"
    if lines[0].strip() == "{" or _OBJECT.match(lines[0]):
        return "json"
    if all(map(_LABELLED.match, lines)):
        return "fasttext"
    if (table := _detect_table(lines)) is not None:
        return table
    tabs = {line.count("\t") for line in lines}
    if len(lines) >= _MIN_LINES and len(tabs) == 1 and tabs != {0} and not is_typed:
        count = tabs.pop()
        raise DataError(
            f"Every line of {path!r} has {'a tab' if count == 1 else f'{count} tabs'}, so it may be a table. Name it "
            ".tsv or read it with --format tsv (add --no-header if its first line is no header), or read one text per "
            "line with --format lines. In Python and recipes set `format`."
        )
    return "lines"


def require_rows(head: Sequence[str], path: str) -> None:
    """Raise `DataError` if lines are the start of a document that holds no rows, such as a web page."""
    start = next((line.strip() for line in head if line.strip()), "").removeprefix("\ufeff").lower()
    for mark, kind, advice in _DOCUMENTS:
        if start.startswith(mark):
            raise DataError(
                f"The file {path!r} must hold rows of data, but looks like {kind}. {advice}", code="not_rows"
            )


def has_json_lines(head: Sequence[str]) -> bool:
    """Whether the first two lines are objects: many data sets are published as JSON Lines with the ending .json."""
    first = [line for line in head if line.strip()][:2]
    try:
        return len(first) == 2 and all(isinstance(json.loads(line), dict) for line in first)
    except (ValueError, RecursionError):
        return False


def _detect_table(lines: Sequence[str]) -> Content | None:
    """Return the format of lines if the first one names columns and nearly all others have as many cells."""
    if len(lines) < 2 or not any(delimiter in lines[0] for delimiter in DELIMITERS):
        return None
    tabs = "\t" in lines[0]
    dialect = detect_dialect(lines, tabs=tabs)
    records = read_sample_records(lines, dialect)
    header = [cell.strip().lower() for cell in records[0]]
    regular = sum(len(record) == len(header) for record in records) / len(records)
    is_header = len(header) > 1 and not ALL_NAMES.isdisjoint(header) and all(header)
    return ("tsv" if tabs else "csv") if is_header and regular >= _MIN_SHARE else None
