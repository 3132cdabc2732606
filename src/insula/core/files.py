"""Atomic writing: a file or folder appears complete under its name, or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from insula.core.errors import OutputError

_REASONS = {
    "the disk is full; free some space, or choose another location": (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    "permission denied; choose another location, or change its permissions": (
        errno.EACCES, errno.EPERM, errno.EROFS,
    ),
    "something else already exists there; choose another name": (
        errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOTEMPTY,
    ),
    "no file can be created there; choose another location": (errno.ENOENT, errno.ENXIO, errno.EINVAL, errno.EIO),
    "the name is too long; choose a shorter one": (errno.ENAMETOOLONG,),
}  # fmt: skip
# Libraries written in Rust and C++ report a full disk only in the text of their errors.
_DISK_FULL_MESSAGES = ("No space left on device", "File too large", "PytorchStreamWriter failed writing")

CLOCK_TICK_NS = 50_000_000  # longer than the timestamp resolution of common file systems
MAX_CACHED_DIGESTS = 4096
_digests: dict[tuple[int, ...], str] = {}
_appending = threading.Lock()


@contextlib.contextmanager
def convert_output_errors(path: Path) -> Iterator[None]:
    """Turn any failure to write `path`, or anything inside it, into an `OutputError` that names `path`."""
    try:
        yield
    except Exception as error:
        reason = _explain_failure(error.__cause__ if isinstance(error, OutputError) else error)
        if reason is None:
            raise
        raise OutputError(f"The output {str(path)!r} cannot be written: {reason}.") from (
            error.__cause__ if isinstance(error, OutputError) else error
        )


def _explain_failure(error: BaseException | None) -> str | None:
    """Return why writing failed, or None if the error is not about writing."""
    if isinstance(error, OSError) and error.errno is not None:
        return next((reason for reason, numbers in _REASONS.items() if error.errno in numbers), None)
    return next(iter(_REASONS)) if any(message in str(error) for message in _DISK_FULL_MESSAGES) else None


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success it is flushed to disk and renamed to `path`, else removed.

    Creates missing parent folders. If `path` is a link, its target is replaced. Raises `OutputError` if the location is
    not writable.
    """
    path = _resolve_link(Path(path))
    with convert_output_errors(path):
        if path.is_dir():  # fail before the work, not after it
            raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        os.chmod(name, 0o666 & ~_read_umask())  # mkstemp creates files that only the owner can read
    temporary = Path(name)
    try:
        with convert_output_errors(path):
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder next to `path`; on success it replaces `path`, else it is removed.

    If `path` is a link, its target is replaced. Raises `OutputError` as `atomic_file` does.
    """
    path = _resolve_link(Path(path))
    with convert_output_errors(path):
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        os.chmod(temporary, 0o777 & ~_read_umask())
    try:
        with convert_output_errors(path):
            yield temporary
            # A folder cannot be renamed over a non-empty one: the old one is renamed first and removed last.
            old = temporary.with_suffix(".old")
            if path.exists():
                os.replace(path, old)
            try:
                os.replace(temporary, path)
            except BaseException:
                if old.exists():
                    os.replace(old, path)
                raise
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented UTF-8 JSON, atomically. Raises `ValueError` for NaN and infinity."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    # A lone surrogate has no UTF-8 form; the escape of JSON for it is the same as Python's.
    write_text(path, text.encode("utf-8", "backslashreplace").decode("utf-8"))


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def append_lines(path: str | Path, lines: Iterable[str]) -> None:
    """Append lines of UTF-8 text in one write; creates the file and missing parent folders.

    After a process was killed while it wrote, the last line may be incomplete: the first new one starts on a line of
    its own, so that only the incomplete one is lost. Raises `OutputError` if the file cannot be written.
    """
    path = Path(path)
    added = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
    with _appending, convert_output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            if added and file.tell():
                file.seek(-1, os.SEEK_END)
                added = added if file.read(1) == b"\n" else b"\n" + added
            file.write(added)


def make_names_absolute(names: str | Path | Sequence[str | Path]) -> tuple[str, ...]:
    """Return the names with existing paths made absolute, so that they do not depend on the working folder."""
    given = [names] if isinstance(names, str | Path) else names
    return tuple(str(Path(one).absolute()) if Path(one).exists() else str(one) for one in given)


def hash_file(path: str | Path) -> str:
    """Return the hexadecimal SHA-256 of a file. An unchanged file is read only once per process.

    Inode, size and times reveal a change; unlike the other times, `ctime` cannot be set back. The digest of a file
    that changed just now is not cached, because a second change within one clock tick would not be visible.
    """
    with Path(path).open("rb") as file:
        about = os.fstat(file.fileno())
        state = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        if (known := _digests.get(state)) is not None:
            return known
        started = time.time_ns()
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if started - max(about.st_mtime_ns, about.st_ctime_ns) > CLOCK_TICK_NS:
        if len(_digests) >= MAX_CACHED_DIGESTS:
            _digests.clear()
        _digests[state] = digest
    return digest


def _resolve_link(path: Path) -> Path:
    """Return the target of a link; any other path as given, because messages name it."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else path


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
