"""Anchors: what the log's head was, kept where whoever can change the log cannot change it too."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from insula.core.errors import MissingFileError
from insula.core.files import output_errors
from insula.operations.audit.chain import Entry, canonical

MARK = "audit_anchor"
STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Anchor:
    """The number and hash of an entry, as it was when the anchor was written."""

    number: int
    hash: str


def write_anchor(place: str, entry: Entry) -> None:
    """Append the head of the log to the file `place`; `-` is standard output, where a container's log keeps it.

    Raises `OutputError` where the file cannot be written.
    """
    line = canonical({MARK: {"n": entry.number, "hash": entry.hash, "time": entry.time}}) + "\n"
    if place == STANDARD_OUTPUT:
        sys.stdout.write(line)
        sys.stdout.flush()
        return
    path = Path(place)
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="ascii") as file:
            file.write(line)


def read_anchors(path: str | Path) -> list[Anchor]:
    """Return the anchors of a file. Lines of other kinds are passed over, for a container's log holds those too.

    Raises `MissingFileError` where there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"There is no file of anchors at {str(path)!r}. Name the one the server writes to.")
    with path.open(encoding="utf-8", errors="replace") as lines:
        return list(_found(lines))


def _found(lines: Iterator[str]) -> Iterator[Anchor]:
    for line in lines:
        start = line.find(f'{{"{MARK}"')
        if start < 0:
            continue
        try:
            held = json.JSONDecoder().raw_decode(line[start:])[0][MARK]
            yield Anchor(int(held["n"]), str(held["hash"]))
        except (ValueError, TypeError, KeyError):
            continue
