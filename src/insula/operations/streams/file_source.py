"""A JSON Lines file as a stream, read to its end or followed like `tail -F`."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Sequence
from pathlib import Path

from insula.core.errors import DataError, MissingFileError, StreamError
from insula.operations.streams.line_source import CHUNK, LineSource
from insula.operations.streams.lines import LineSplitter
from insula.operations.streams.source import StreamEntry

LOOK_SECONDS = 0.25  # between two looks at a file that has nothing new


class FileSource(LineSource):
    """Lines of a file.

    follow  wait for further lines at its end. A file that is replaced (rotated) is read to its end, then the new one
            from its beginning; so is one that was emptied.

    The position of a line is the number of the file on its file system and the offset of the line's end.
    """

    def __init__(self, path: str | Path, *, follow: bool = False, rejects: str | Path | None = None) -> None:
        self.path = Path(path)
        super().__init__(_default_rejects(self.path) if rejects is None else rejects)
        self.name = str(self.path.absolute())
        self.address = str(path)
        self._follow = follow
        self._file: int | None = None
        self._splitter = LineSplitter()
        if not follow and not self.path.exists():
            raise MissingFileError(f"The stream {str(path)!r} does not exist. Check the path, or wait with --follow.")
        if self.path.is_dir():
            raise DataError(f"The stream {str(path)!r} is a folder. Pass a file of JSON Lines.")

    def resume(self, position: str | None) -> str | None:
        """Continue after a line. If the file has been renamed, it is found in its folder and read to its end."""
        if position is None:
            return None
        number, _, offset = position.partition(":")
        if not (number.isdecimal() and offset.isdecimal()):
            return f"The stored position {position!r} is not one of a file: {self.address} is read from its beginning."
        found = self._find_file(int(number))
        if found is None:
            return (
                f"The file that was read last is no longer at {self.address}: lines that were added to it since are "
                "not read. The file that is there now is read from its beginning."
            )
        if found.stat().st_size < int(offset):
            return f"{self.address} is shorter than when it was read last: it is read from its beginning."
        self._open(found, int(offset))
        return None

    def read(self, most: int, wait: float) -> Sequence[StreamEntry]:
        """Return the next lines."""
        until = time.monotonic() + wait
        while len(self._ready) < most and not self._ended:
            if not self._read_chunk():
                if self._ready or time.monotonic() >= until or self._ended:
                    break
                time.sleep(min(LOOK_SECONDS, max(0.0, until - time.monotonic())))
        return self._take(most)

    def close(self) -> None:
        """Close the files."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        super().close()

    def _read_chunk(self) -> bool:
        """Read on; return False if there is nothing new."""
        if self._file is None and not self.path.exists():
            return False
        opened = self._open(self.path, 0) if self._file is None else self._file
        try:
            chunk = os.read(opened, CHUNK)
            if chunk:
                self._ready.extend(self._splitter.feed(chunk))
                return True
            if not self._follow and self._is_current(opened):
                self._ready.extend(self._splitter.finish())
                self._ended = True
                return False
            if os.fstat(opened).st_size < self._splitter.offset:  # emptied
                self._open(self.path, 0)
                return True
        except OSError as error:
            raise StreamError(
                f"The stream {self.address!r} cannot be read: {error.strerror}. Check its permissions."
            ) from error
        if not self._is_current(opened) and self.path.exists():
            self._ready.extend(self._splitter.finish())
            self._open(self.path, 0)
            return True
        return False

    def _open(self, path: Path, offset: int) -> int:
        try:
            opened = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise StreamError(
                f"The stream {str(path)!r} cannot be read: {error.strerror}. Check its permissions."
            ) from error
        if self._file is not None:
            os.close(self._file)
        self._file = opened
        os.lseek(opened, offset, os.SEEK_SET)
        self._splitter = LineSplitter(offset, f"{os.fstat(opened).st_ino}:")
        return opened

    def _is_current(self, opened: int) -> bool:
        """Whether an open file is still the one at the path."""
        try:
            return self.path.stat().st_ino == os.fstat(opened).st_ino
        except FileNotFoundError:
            return True  # between the two steps of a rotation

    def _find_file(self, number: int) -> Path | None:
        """Return the file with a number: the path, or a file next to it whose name starts in the same way."""
        try:
            neighbours = sorted(self.path.parent.glob(f"{glob.escape(self.path.name)}*"))
            return next(
                (one for one in (self.path, *neighbours) if one.is_file() and one.stat().st_ino == number), None
            )
        except OSError:
            return None


def _default_rejects(path: Path) -> Path:
    return path.with_name(f"{path.name}.rejects.jsonl")
