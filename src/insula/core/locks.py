"""File locks that the system releases when their process ends, even after a crash."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from insula.core.errors import OutputError
from insula.core.files import convert_output_errors
from insula.core.outputs import LOCK, require_folder


@contextlib.contextmanager
def try_lock(file: Path) -> Iterator[bool]:
    """Lock `file` and yield True, or yield False if another process holds it. Removes the file after unlocking."""
    lock = filelock.FileLock(file, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):  # Windows does not remove open files
            file.unlink()
        lock.release()


@contextlib.contextmanager
def wait_for_lock(file: Path, *, seconds: float = 60.0) -> Iterator[None]:
    """Lock `file`, waiting while another process holds it. The file remains, because its name is the lock.

    Raises `OutputError` if it is still held after `seconds`.
    """
    with convert_output_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(file, timeout=seconds)
    try:
        with convert_output_errors(file):
            lock.acquire()
    except filelock.Timeout:
        raise OutputError(
            f"Another process has held the lock {str(file)!r} for more than {seconds:g} s. End that process, or wait."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def lock_for_writing(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder` during the block. Raises `OutputError` if another process holds it."""
    with try_lock(folder / LOCK) as is_held:
        if not is_held:
            raise OutputError(
                f"Another process is writing the output {str(folder)!r}. Wait for it, or choose another name."
            )
        yield


@contextlib.contextmanager
def create_locked_folder(folder: Path) -> Iterator[None]:
    """Create the folder and lock it during the block. Removes the folder afterwards if it is empty.

    Raises `OutputError` if it cannot be created or written, or if another process writes into it.
    """
    require_folder(folder)
    with convert_output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with convert_output_errors(folder), lock_for_writing(folder):
            yield
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()
