"""Anchors: copies of the log's head, kept where those who can change the log cannot change them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from insula.core.errors import MissingFileError
from insula.core.files import append_lines
from insula.operations.audit.chain import Entry, to_canonical_json

MARK = "audit_anchor"
STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Anchor:
    """The number and hash of an entry at the time the anchor was written."""

    number: int
    hash: str


def write_anchor(place: str, entry: Entry) -> None:
    """Append the head of the log to the file `place`; `-` is standard output, for container logs.

    Raises `OutputError` if the file cannot be written.
    """
    line = to_canonical_json({MARK: {"n": entry.number, "hash": entry.hash, "time": entry.time}})
    if place == STANDARD_OUTPUT:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        return
    append_lines(place, [line])


def read_anchors(path: str | Path) -> list[Anchor]:
    """Return the anchors of a file. Other lines are skipped: the log of a container holds more than anchors.

    Raises `MissingFileError` if there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f"There is no file of anchors at {str(path)!r}. Pass the file that the server writes to."
        )
    with path.open(encoding="utf-8", errors="replace") as lines:
        return list(_find_anchors(lines))


def _find_anchors(lines: Iterator[str]) -> Iterator[Anchor]:
    for line in lines:
        start = line.find(f'{{"{MARK}"')
        if start < 0:
            continue
        try:
            held = json.JSONDecoder().raw_decode(line[start:])[0][MARK]
            yield Anchor(int(held["n"]), str(held["hash"]))
        except (ValueError, TypeError, KeyError):
            continue
