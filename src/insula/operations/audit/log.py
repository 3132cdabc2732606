"""The audit log: entries appended to files by any number of processes on one machine."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from insula.core.errors import OutputError
from insula.core.files import convert_output_errors
from insula.core.locks import wait_for_lock
from insula.operations.audit.anchor import write_anchor
from insula.operations.audit.chain import START, Entry, Fact, read, seal_entry

STORE = "insula-data"
"""Default data folder of a server."""
AUDIT = "audit"
"""Folder of the audit log in the data folder."""
OPERATOR = "operator"
"""The actor of entries made from the command line or Python."""
MAX_BYTES = 16 << 20  # size after which a new file is started
LOCK = "audit.lock"
TORN = "audit.torn"
TAIL = 1 << 16


def choose_audit_folder(store: str | Path, audit: str | Path | None) -> Path:
    """Return the folder of the audit log: `audit` if given, else `audit` next to the file of the store.

    For a store that is the address of a database, it is in the default data folder.
    """
    if audit is not None:
        return Path(audit)
    if "://" in str(store):
        return Path(STORE) / AUDIT
    place = Path(store)
    return (place if place.is_dir() or not place.suffix else place.parent) / AUDIT


def list_log_files(folder: Path) -> list[Path]:
    """Return the files of a log in order; the name of each holds the number of its first entry."""
    return sorted(folder.glob("audit-*.jsonl"))


class AuditLog:
    """An append-only chain of entries in `folder`.

    folder    folder of its files, created with the first entry
    anchor    a file, or `-` for standard output, that receives the head after every `every` entries; None for none
    largest   size in bytes after which a new file is started; the chain continues across files

    An entry is on disk when `record` returns. A line that a crash left incomplete stays, and the next entry records it.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        anchor: str | None = None,
        every: int = 1,
        largest: int = MAX_BYTES,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder = Path(folder)
        self._anchor = anchor
        self._every = max(1, every)
        self._largest = largest
        self._clock = clock
        self._mutex = threading.Lock()
        self._head: tuple[Path, int, Entry] | None = None  # the file, its size, its last entry

    def record(self, event: str, actor: str, **facts: Fact) -> Entry:
        """Append one entry and return it. Raises `OutputError` if it cannot be written."""
        with self._mutex, wait_for_lock(self.folder / LOCK):
            path, head = self._remember_end()
            entry = self._seal_entry(head, event, actor, facts)
            if path is None or path.stat().st_size >= self._largest:
                path = self.folder / f"audit-{entry.number:012d}.jsonl"
            with convert_output_errors(path):
                self._append(path, entry.to_json_line() + "\n")
            self._head = (path, path.stat().st_size, entry)
            if self._anchor is not None and entry.number % self._every == 0:
                write_anchor(self._anchor, entry)
            return entry

    def _seal_entry(self, head: Entry | None, event: str, actor: str, facts: dict[str, Fact]) -> Entry:
        time = self._clock().isoformat(timespec="milliseconds")
        number, before = (1, START) if head is None else (head.number + 1, head.hash)
        return seal_entry(number, time, event, actor, facts, before)

    def _remember_end(self) -> tuple[Path | None, Entry | None]:
        """Return the last file and the last entry, which other processes may have written."""
        files = list_log_files(self.folder)
        if not files:
            return None, None
        path = files[-1]
        if self._head is not None and self._head[:2] == (path, path.stat().st_size):
            return path, self._head[2]
        head, torn = self._read_last(path)
        if head is None and len(files) > 1:
            head, _ = self._read_last(files[-2])
        lost_end = read(torn.decode("utf-8", "replace")) if torn else None
        if lost_end is not None:  # complete except for the line end
            with convert_output_errors(path):
                self._append(path, "\n")
            head = lost_end
        elif torn:
            found = hashlib.sha256(torn).hexdigest()
            entry = self._seal_entry(head, TORN, "log", {"bytes": len(torn), "sha256": found})
            with convert_output_errors(path):
                self._append(path, "\n" + entry.to_json_line() + "\n")
            head = entry
        return path, head

    def _read_last(self, path: Path) -> tuple[Entry | None, bytes]:
        """Return the last complete entry of a file, and the bytes of an incomplete line after it."""
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            data, taken = b"", 0
            while taken < size and data.count(b"\n") < 2:
                taken = min(size, max(TAIL, 2 * taken))
                file.seek(size - taken)
                data = file.read(taken)
        whole, _, torn = data.rpartition(b"\n")
        if not whole:
            return None, torn
        line = whole.rpartition(b"\n")[2]
        entry = read(line.decode("utf-8", "replace"))
        if entry is None:
            raise OutputError(
                f"The audit log {str(path)!r} was changed: its last line is not an entry. Nothing was appended. "
                "Run `insula audit verify`, keep this folder as evidence, and use another folder."
            )
        return entry, torn

    @staticmethod
    def _append(path: Path, text: str) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            data = text.encode("ascii")
            if os.write(handle, data) != len(data):  # the torn line stays, and the next entry records it
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(handle)
        finally:
            os.close(handle)
