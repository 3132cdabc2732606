"""Writing that is all or nothing: a file or folder appears whole under its name, or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from insula.core.errors import OutputError

_REASONS = {
    "the disk is full; free some space, or name another place": (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    "it may not be written to; choose another place, or change its permissions": (
        errno.EACCES, errno.EPERM, errno.EROFS,
    ),
    "there is already something else at that place; choose another name": (
        errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOTEMPTY,
    ),
    "no file can be made there; choose another place": (errno.ENOENT, errno.ENXIO, errno.EINVAL, errno.EIO),
    "the name is too long; choose a shorter one": (errno.ENAMETOOLONG,),
}  # fmt: skip
# Libraries that write in Rust and C++ say in words alone that the disk is full.
_FULL_IN_WORDS = ("No space left on device", "File too large", "PytorchStreamWriter failed writing")

CLOCK_TICK_NS = 50_000_000  # longer than that of any clock of a file system that a model is likely to be on
MAX_CACHED_DIGESTS = 4096
_digests: dict[tuple[int, ...], str] = {}


@contextlib.contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn refusals to write `path`, or anything inside it, into one `OutputError` sentence that names `path`."""
    try:
        yield
    except Exception as error:
        reason = _reason(error.__cause__ if isinstance(error, OutputError) else error)
        if reason is None:
            raise
        raise OutputError(f"The output {str(path)!r} cannot be written: {reason}.") from (
            error.__cause__ if isinstance(error, OutputError) else error
        )


def _reason(error: BaseException | None) -> str | None:
    """Return why writing failed, None where this was no failure to write."""
    if isinstance(error, OSError) and error.errno is not None:
        return next((reason for reason, numbers in _REASONS.items() if error.errno in numbers), None)
    return next(iter(_REASONS)) if any(words in str(error) for words in _FULL_IN_WORDS) else None


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success it is flushed to disk and renamed over `path`, else removed.

    Missing parent folders are made; where `path` is a link, the file that it leads to is replaced. Raises `OutputError`
    where the place cannot be written to.
    """
    path = _linked(Path(path))
    with output_errors(path):
        if path.is_dir():  # known before the work, not after
            raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        os.chmod(name, 0o666 & ~_umask())  # mkstemp makes files that only the owner can read
    temporary = Path(name)
    try:
        with output_errors(path):
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder next to `path`; on success it takes the place of `path`, else it is removed.

    Where `path` is a link, the folder that it leads to is replaced. Raises `OutputError` as `atomic_file`.
    """
    path = _linked(Path(path))
    with output_errors(path):
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        os.chmod(temporary, 0o777 & ~_umask())
    try:
        with output_errors(path):
            yield temporary
            # A folder cannot be renamed over a full one: the old one is renamed first and removed last.
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
    """Write `value` as indented UTF-8 JSON, atomically. NaN and infinity are refused with `ValueError`."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    # Half a surrogate pair has no UTF-8 form; JSON has an escape for it, which looks as Python's own.
    write_text(path, text.encode("utf-8", "backslashreplace").decode("utf-8"))


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def absolute_names(names: str | Path | Sequence[str | Path]) -> tuple[str, ...]:
    """Return names that still mean the same where the working folder is another: those of paths made absolute."""
    given = [names] if isinstance(names, str | Path) else names
    return tuple(str(Path(one).absolute()) if Path(one).exists() else str(one) for one in given)


def sha256(path: str | Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes; a file that has not changed since is read once a process.

    A change shows in inode, size and times: the time of the last change (`ctime`) is kept by the system, and cannot be
    set back as the others can. A file that was changed just now is read again the next time, since a second change
    within one tick of the file system's clock would not show.
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


def _linked(path: Path) -> Path:
    """Return where a link leads to; any other path as it is, for it is named in messages."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
