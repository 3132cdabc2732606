"""Does the log still say what it said? Changes, gaps and cuts, each in a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from insula.core.errors import MissingFileError
from insula.core.sentences import counted
from insula.operations.audit.anchor import Anchor
from insula.operations.audit.chain import START, Entry, read
from insula.operations.audit.log import TORN, log_files


@dataclass
class Verified:
    """What a log holds, and what is wrong with it.

    entries    how many were read
    first      the number of the first, 0 in an empty log
    last       the number of the last
    head       the hash of the last
    anchors    how many anchors were compared
    findings   a sentence for each thing wrong; none where the log is whole
    """

    entries: int = 0
    first: int = 0
    last: int = 0
    head: str = START
    anchors: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and `whole`, for JSON."""
        return {**asdict(self), "whole": self.whole}


def verify_log(folder: str | Path, anchors: Sequence[Anchor] = (), *, since: int = 1) -> Verified:
    """Read a whole log and compare it with anchors.

    since   the number of the first entry that must be there; above 1 where older files were archived elsewhere

    Without anchors a cut at the end does not show: a chain has no end of its own. Raises `MissingFileError` where there
    is no log.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"There is no audit log in {str(folder)!r}. Name the folder where the server keeps it.")
    found = Verified(anchors=len(anchors))
    wanted: dict[int, set[str]] = {}
    for anchor in anchors:
        wanted.setdefault(anchor.number, set()).add(anchor.hash)
    reading = _Reading(found, since)
    for entry in reading.entries(folder):
        hashes = wanted.pop(entry.number, None)
        if hashes is not None and hashes != {entry.hash}:
            found.findings.append(f"Entry {entry.number} differs from its anchor: the log was written anew.")
    if not found.entries and since > 1:
        found.findings.append(f"Entry {since} is missing: the log is empty.")
    cut = sorted(number for number in wanted if number > found.last)
    if cut:
        lost = counted(cut[-1] - found.last, "entry").replace("entrys", "entries")
        found.findings.append(f"The log was cut: it ends at entry {found.last}, and an anchor knows {lost} more.")
    inside = [number for number in wanted if since <= number <= found.last]
    if inside:
        found.findings.append(f"Entry {min(inside)} is known to an anchor and missing from the log.")
    return found


class _Reading:
    """One pass over the lines; what does not follow from the line before becomes a finding."""

    def __init__(self, found: Verified, since: int) -> None:
        self._found = found
        self._since = since
        self._torn: tuple[bytes, str] | None = None

    def entries(self, folder: Path) -> Iterator[Entry]:
        """Yield the entries that can be read."""
        for path in log_files(folder):
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    entry = self._entry(line, f"{path.name}, line {number}")
                    if entry is not None:
                        yield entry
        if self._torn is not None:
            # No entry after it speaks of it: a crash just now, or a hand.
            self._found.findings.append(f"{self._torn[1]} is no entry: it was changed, or cut by a crash just now.")

    def _entry(self, line: bytes, place: str) -> Entry | None:
        found = self._found
        entry = read(line.removesuffix(b"\n").decode("utf-8", "replace"))
        if self._torn is not None:
            self._judge_torn(entry)
        if entry is None:
            self._torn = (line.removesuffix(b"\n"), place)
            return None
        if found.entries == 0:
            found.first = entry.number
            if entry.number > self._since:
                words = f"The log begins at entry {entry.number}, not at {self._since}: files are missing. "
                found.findings.append(words + "Where they were archived on purpose, say so with --since.")
            if entry.number == 1 and entry.before != START:
                found.findings.append("Entry 1 follows another: the beginning of the log was cut.")
        elif entry.number != found.last + 1:
            found.findings.append(f"{place}: entry {entry.number} follows entry {found.last}: entries are missing.")
        elif entry.before != found.head:
            found.findings.append(f"{place}: entry {entry.number} does not follow from the one before: it was changed.")
        found.entries += 1
        found.last, found.head = entry.number, entry.hash
        return entry

    def _judge_torn(self, entry: Entry | None) -> None:
        if self._torn is None:
            return
        (line, place), self._torn = self._torn, None
        told = {"bytes": len(line), "sha256": hashlib.sha256(line).hexdigest()}
        if entry is None or entry.event != TORN or dict(entry.facts) != told:
            self._found.findings.append(f"{place} is no entry: it was changed.")
