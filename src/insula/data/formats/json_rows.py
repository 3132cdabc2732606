"""Read JSON Lines files, and `.json` files with one list of objects or an object that holds a table."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from insula.core.errors import DataError
from insula.core.sentences import pluralise
from insula.data.formats.annotation_exports import Export, find_export
from insula.data.formats.row_reader import ReadLimits, Reject, Row, TextRows
from insula.data.formats.text_lines import TextLines

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_TROUBLE_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_SPACE_OR_COMMA = re.compile(r"[\s,]*")


class _JsonReader(TextRows):
    def __init__(
        self,
        lines: TextLines,
        path: str,
        *,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
        limits: ReadLimits | None = None,
    ) -> None:
        super().__init__(lines, path, batch_size=batch_size, on_reject=on_reject, limits=limits)
        self._repaired = 0
        rows = self._read_rows()
        first = self._read_batch(rows)
        if (export := find_export([row for _, row in first])) is not None:
            self.notes.append(f"Read as an export of {export.tool}.")
            first, rows = list(self._convert_rows(first, export)), self._convert_rows(rows, export)
        self.columns = tuple(dict.fromkeys(key for _, row in first for key in row))
        self.columns_vary = True
        self._rows = itertools.chain(first, rows)

    @property
    def warnings(self) -> list[str]:
        """Sentences on the repairs so far."""
        found = super().warnings
        if self._repaired:
            rows = pluralise(self._repaired, "row")
            found.append(f"{rows} held unpaired surrogates or NUL characters, which were replaced or removed.")
        return found

    def _convert_rows(self, rows: Iterable[tuple[int, Row]], export: Export) -> Iterator[tuple[int, Row]]:
        for number, row in rows:
            converted = export.convert(row)
            if isinstance(converted, str):
                self.reject(number, converted, json.dumps(row, ensure_ascii=False))
            else:
                yield number, converted

    def _iterate_numbered_rows(self) -> Iterator[tuple[int, Row]]:
        return iter(self._rows)

    def _read_rows(self) -> Iterator[tuple[int, Row]]:
        raise NotImplementedError

    def _check_row(self, line: int, value: Any, raw: str) -> Row | None:
        """Return `value` as a row, or reject it."""
        if not isinstance(value, dict):
            self.reject(line, f"must be a JSON object, but is a {type(value).__name__}", raw)
            return None
        if _TROUBLE_ESCAPE.search(raw):
            clean = _clean_value(value)
            if clean != value:
                self._repaired += 1
            return clean  # type: ignore[no-any-return]
        return value


class JsonLinesRows(_JsonReader):
    """One JSON object per line; blank lines are skipped, broken ones rejected."""

    def _read_rows(self) -> Iterator[tuple[int, Row]]:
        bad_lines = self._text.bad_lines
        for number, line in enumerate(self._text, start=1):
            if number in bad_lines:
                self.reject(number, f"bytes that are not {self.encoding}", line)
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                if line.strip():
                    self.reject(number, f"broken JSON: {error}", line.rstrip("\n"))
                continue
            row = self._check_row(number, value, line)
            if row is not None:
                yield number, row


class JsonListRows(_JsonReader):
    """One list of objects; the text of the file is held in memory, its objects are decoded one by one."""

    def _read_rows(self) -> Iterator[tuple[int, Row]]:
        text = "".join(self._text)
        if not text.lstrip().startswith("["):
            yield from self._read_object(text)
            return
        decoder, bad_lines = json.JSONDecoder(), self._text.bad_lines
        position, line, counted_to = text.index("[") + 1, 1, 0
        while True:
            gap = _SPACE_OR_COMMA.match(text, position)
            position = gap.end() if gap else position
            line, counted_to = line + text.count("\n", counted_to, position), position
            if position >= len(text):
                self.reject(line, "broken JSON: the list is never closed")
                return
            if text[position] == "]":
                rest = text[position + 1 :].lstrip()
                if rest:
                    line += text.count("\n", position, len(text) - len(rest))
                    self.reject(line, "follows the end of the list and is not read", rest)
                return
            try:
                value, end = decoder.raw_decode(text, position)
            except (ValueError, RecursionError) as error:
                reason = f"broken JSON: {error}; the rest of the list cannot be read"
                self.reject(line, reason, text[position : position + 1000])
                return
            raw = text[position:end]
            if bad_lines and "\ufffd" in raw:  # other objects of the line may be fine
                self.reject(line, f"bytes that are not {self.encoding}", raw)
            elif (row := self._check_row(line, value, raw)) is not None:
                yield line, row
            position = end

    def _read_object(self, text: str) -> Iterator[tuple[int, Row]]:
        """Yield the rows of one object, numbered from 1."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        rows = _find_rows(value) if isinstance(value, dict) else None
        if rows is None:
            raise DataError(
                f"The file {self.path!r} must hold a list of objects, or an object with one such list or with columns. "
                "If it holds one object per line, read it with --format jsonl (in Python: format='jsonl')."
            )
        for number, one in enumerate(rows, start=1):
            if (row := self._check_row(number, one, json.dumps(one))) is not None:
                yield number, row


def _clean_value(value: Any) -> Any:
    """Replace unpaired surrogates, which no file can store, by U+FFFD; remove NULs."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value.replace("\0", ""))
    if isinstance(value, list):
        return [_clean_value(item) for item in value]
    if isinstance(value, dict):
        return {_clean_value(key): _clean_value(item) for key, item in value.items()}
    return value


def _find_rows(value: Mapping[str, Any]) -> list[Any] | None:
    """Return the rows of an object, None if it has none.

    Rows are `{"data": [{...}, ...]}` (any key, if one list of objects is in the object), `{"text": [...], "label":
    [...]}` (lists of equal length), `{"text": {"0": ...}, "label": {"0": ...}}` (pandas), or `{"columns": [...],
    "data": [[...], ...]}` (pandas, `orient="split"`).
    """
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return [dict(zip(map(str, columns), row, strict=False)) for row in data]
    lists = [one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], dict)]
    if len(lists) == 1:
        return [_unwrap(row) for row in lists[0]]
    if len(value) > 1 and not lists and all(isinstance(one, list) for one in value.values()):
        if len({len(one) for one in value.values()}) == 1:
            return [dict(zip(value, cells, strict=True)) for cells in zip(*value.values(), strict=True)]
        return None
    if value and all(isinstance(one, dict) for one in value.values()):
        first = next(iter(value.values()))
        if first and all(one.keys() == first.keys() for one in value.values()) and not _has_objects(first):
            return [{name: cells[key] for name, cells in value.items()} for key in first]
    return None


def _unwrap(row: Any) -> Any:
    """Return the row in `{"row_idx": 0, "row": {...}}`, as the viewer of the hub gives it."""
    inner = row.get("row") if isinstance(row, dict) and "row_idx" in row else None
    return inner if isinstance(inner, dict) else row


def _has_objects(cells: Mapping[str, Any]) -> bool:
    return any(isinstance(cell, dict) for cell in cells.values())
