"""Open a file as bytes, plain or gzip, with a clear error for every problem."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from insula.core.errors import DataError, MissingFileError, suggest

STDIN = "-"


def open_bytes(path: str | Path) -> BinaryIO:
    """Open `path` (`-` is standard input) for reading; gzip data are unpacked, whatever the name of the file, and so is
    a `.zip` with one file.

    Raises `MissingFileError`, or `DataError` for a folder, an empty file, a `.gz` that is not gzip, no permission.
    """
    if str(path) == STDIN:
        return sys.stdin.buffer
    path = Path(path)
    require_file(path)
    with read_errors(path):
        # The reader owns the file and closes it.
        file = io.BufferedReader(io.FileIO(path), buffer_size=1 << 16)
        head = file.peek(2)[:2]
    if head == b"\x1f\x8b":
        return CompressedStream(file, gzip.GzipFile(fileobj=file))
    if path.suffix.lower() == ".zip":
        with read_errors(path):
            archive = zipfile.ZipFile(file)
            return CompressedStream(file, archive.open(find_zip_member(path, archive)))
    if path.suffix.lower() == ".gz":
        file.close()
        raise DataError(
            f"The file {str(path)!r} has the ending of a gzip file, but is not one. Rename it, or compress it with "
            "gzip."
        )
    return file


def find_zip_member(path: Path, archive: zipfile.ZipFile | None = None) -> str:
    """Return the name of the only file in a `.zip`; `DataError` if there is none, or several."""
    if archive is None:
        require_file(path)
        with read_errors(path), zipfile.ZipFile(path) as opened:
            return find_zip_member(path, opened)
    names = [name for name in archive.namelist() if not name.endswith("/") and not _is_hidden(name)]
    if len(names) != 1:
        raise DataError(
            f"The archive {str(path)!r} must hold one file of rows. Got {', '.join(names[:10]) or 'none'}. Unpack it "
            "and use the file or folder."
        )
    return names[0]


def _is_hidden(name: str) -> bool:
    """Whether a file was added to an archive by the operating system: `__MACOSX/._rows.csv`, `.DS_Store`."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def require_file(path: Path) -> None:
    """Raise unless `path` is a file that is not empty (a pipe may be empty)."""
    if not path.exists():
        folder = path.parent
        reason = "" if folder.is_dir() else f" The folder {str(folder)!r} does not exist either."
        raise MissingFileError(f"The file {str(path)!r} does not exist.{reason}{suggest_file(path)} Check the path.")
    if path.is_dir():
        raise DataError(f"The path {str(path)!r} must be a file, but it is a folder. Choose a file in it.")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(
            f"The file {str(path)!r} is empty: it has no rows to read. Check how it was made.", code="empty"
        )


def suggest_file(path: Path) -> str:
    """Return ` Did you mean 'x'?` for the file in the same folder with the nearest name, or an empty string."""
    return suggest(path.name, (p.name for p in path.parent.iterdir())) if path.parent.is_dir() else ""


@contextlib.contextmanager
def read_errors(path: str | Path) -> Iterator[None]:
    """Turn an error while reading `path` into a `DataError`."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"The file {str(path)!r} is truncated or damaged: its gzip data cannot be unpacked to the end. "
            "Copy or download it again."
        ) from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # damaged, another method, a password
        raise DataError(
            f"The archive {str(path)!r} cannot be unpacked: {error}. Unpack it and use the file."
        ) from error
    except PermissionError as error:
        raise DataError(f"The file {str(path)!r} cannot be read: permission denied. Change its permissions.") from error


def measure_share_read(stream: BinaryIO) -> float | None:
    """Return the share of the bytes of a file (as stored) that was read so far; None for a pipe."""
    file = stream.file_on_disk if isinstance(stream, CompressedStream) else stream
    try:
        size = os.fstat(file.fileno()).st_size
        return min(file.tell() / size, 1.0) if size else None
    except (OSError, ValueError):  # no size, or closed
        return None


class CompressedStream(io.BufferedReader):
    """The decompressed content of a file, `file_on_disk`, which is closed with it."""

    def __init__(self, file: BinaryIO, content: Any) -> None:
        self.file_on_disk = file
        super().__init__(cast(io.RawIOBase, content), buffer_size=1 << 16)

    def close(self) -> None:
        """Close both."""
        super().close()
        self.file_on_disk.close()
