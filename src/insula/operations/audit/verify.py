"""Verify the audit log: report changed, missing and removed entries."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from insula.core.errors import MissingFileError
from insula.core.sentences import pluralise
from insula.operations.audit.anchor import Anchor
from insula.operations.audit.chain import START, Entry, read
from insula.operations.audit.log import TORN, list_log_files


@dataclass
class AuditVerification:
    """The result of a verification.

    entries    number of entries read
    first      number of the first entry, 0 in an empty log
    last       number of the last entry
    head       hash of the last entry
    anchors    number of anchors compared
    findings   one sentence per problem; empty if the log is intact
    """

    entries: int = 0
    first: int = 0
    last: int = 0
    head: str = START
    anchors: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether the log is intact."""
        return not self.findings

    @property
    def whole(self) -> bool:
        """The former name of `intact`."""
        warnings.warn(
            "AuditVerification.whole is now intact. The old name works until version 0.3.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.intact

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and `intact`, for JSON."""
        return {**asdict(self), "intact": self.intact, "whole": self.intact}  # `whole` until version 0.3


def verify_log(folder: str | Path, anchors: Sequence[Anchor] = (), *, since: int = 1) -> AuditVerification:
    """Read the whole log and compare it with anchors.

    since   number of the first entry to expect; above 1 if older files were archived

    Without anchors, entries removed from the end are not detected, because a chain has no mark of its end. Raises
    `MissingFileError` if there is no log.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"There is no audit log in {str(folder)!r}. Pass the folder that the server writes to.")
    found = AuditVerification(anchors=len(anchors))
    wanted: dict[int, set[str]] = {}
    for anchor in anchors:
        wanted.setdefault(anchor.number, set()).add(anchor.hash)
    reading = _LogReader(found, since)
    for entry in reading.iterate_entries(folder):
        hashes = wanted.pop(entry.number, None)
        if hashes is not None and hashes != {entry.hash}:
            found.findings.append(f"Entry {entry.number} differs from its anchor: the log was rewritten.")
    if not found.entries and since > 1:
        found.findings.append(f"Entry {since} is missing: the log is empty.")
    cut = sorted(number for number in wanted if number > found.last)
    if cut:
        lost = pluralise(cut[-1] - found.last, "entry").replace("entrys", "entries")
        found.findings.append(
            f"The end of the log is missing: it ends at entry {found.last}, and an anchor shows {lost} more."
        )
    inside = [number for number in wanted if since <= number <= found.last]
    if inside:
        found.findings.append(f"Entry {min(inside)} has an anchor but is missing from the log.")
    return found


class _LogReader:
    """One pass over the lines; a line that does not follow from the one before is a finding."""

    def __init__(self, found: AuditVerification, since: int) -> None:
        self._found = found
        self._since = since
        self._torn: tuple[bytes, str] | None = None

    def iterate_entries(self, folder: Path) -> Iterator[Entry]:
        """Yield the entries that can be read."""
        for path in list_log_files(folder):
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    entry = self._parse_entry(line, f"{path.name}, line {number}")
                    if entry is not None:
                        yield entry
        if self._torn is not None:
            # No later entry records it: a recent crash, or a change by hand.
            self._found.findings.append(f"{self._torn[1]} is not an entry: it was changed, or cut by a recent crash.")

    def _parse_entry(self, line: bytes, place: str) -> Entry | None:
        found = self._found
        entry = read(line.removesuffix(b"\n").decode("utf-8", "replace"))
        if self._torn is not None:
            self._check_torn(entry)
        if entry is None:
            self._torn = (line.removesuffix(b"\n"), place)
            return None
        if found.entries == 0:
            found.first = entry.number
            if entry.number > self._since:
                found.findings.append(
                    f"The log starts at entry {entry.number}, not at {self._since}: files are missing. "
                    "If they were archived on purpose, use --since."
                )
            if entry.number == 1 and entry.before != START:
                found.findings.append("Entry 1 follows another entry: the start of the log was removed.")
        elif entry.number != found.last + 1:
            found.findings.append(f"{place}: entry {entry.number} follows entry {found.last}: entries are missing.")
        elif entry.before != found.head:
            found.findings.append(f"{place}: entry {entry.number} does not follow from the one before: it was changed.")
        found.entries += 1
        found.last, found.head = entry.number, entry.hash
        return entry

    def _check_torn(self, entry: Entry | None) -> None:
        if self._torn is None:
            return
        (line, place), self._torn = self._torn, None
        expected = {"bytes": len(line), "sha256": hashlib.sha256(line).hexdigest()}
        if entry is None or entry.event != TORN or dict(entry.facts) != expected:
            self._found.findings.append(f"{place} is not an entry: it was changed.")
