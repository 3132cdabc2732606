"""A file of rows as numbered groups: what is predicted together, written together and, after a stop, found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from insula.data.formats.row_reader import Reject, Row, RowReader
from insula.data.labels.cells import as_name, is_missing, is_no_text

RAW_CHARACTERS = 1000


@dataclass(frozen=True)
class Group:
    """Some rows that follow each other. Which ones depends on the file alone.

    number  from 0
    rows    those that have a text, and `texts` theirs
    seen    how many rows were read up to here, those set aside included
    share   how much of the file that is, None where it is not known
    """

    number: int
    rows: list[Row]
    texts: list[str]
    seen: int
    share: float | None


class Aside(Protocol):
    """Takes rows that are set aside, and counts them."""

    count: int

    def add(self, reject: Reject) -> None:
        """Set a row aside."""


class Counted:
    """Counts what is set aside, and keeps nothing of it."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, reject: Reject) -> None:
        """Count."""
        self.count += 1


def read_groups(reader: RowReader, column: str, aside: Aside) -> Iterator[Group]:
    """Yield a group a batch of the reader; rows without a text go to `aside`."""
    kept = 0
    for number, batch in enumerate(reader):
        rows: list[Row] = []
        texts: list[str] = []
        for row, line in zip(batch.rows, batch.lines, strict=True):
            value = row.get(column)
            if is_missing(value):
                aside.add(Reject(line, f"no text in column {column!r}", str(row)[:RAW_CHARACTERS]))
            elif is_no_text(value):
                reason = f"column {column!r} holds a list or bytes in place of a text"
                aside.add(Reject(line, reason, str(row)[:RAW_CHARACTERS]))
            else:
                rows.append(row)
                texts.append(value if isinstance(value, str) else as_name(value))
        kept += len(rows)
        yield Group(number, rows, texts, kept + aside.count, reader.share_read)
