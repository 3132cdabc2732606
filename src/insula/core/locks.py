"""Locks that end with the process that holds them, however it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from insula.core.errors import OutputError
from insula.core.files import output_errors
from insula.core.outputs import LOCK, require_folder


@contextlib.contextmanager
def try_lock(file: Path) -> Iterator[bool]:
    """Lock `file` and yield True, or yield False where another holds it; a file that was locked is taken away after.

    The system ends the lock with its process: after a crash nothing needs to be cleaned up.
    """
    lock = filelock.FileLock(file, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):  # a system that keeps open files in place
            file.unlink()
        lock.release()


@contextlib.contextmanager
def wait_for_lock(file: Path, *, seconds: float = 60.0) -> Iterator[None]:
    """Lock `file`, waiting for whoever holds it; the file stays, for its name is the lock.

    Raises `OutputError` where it is still held after `seconds`.
    """
    with output_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(file, timeout=seconds)
    try:
        with output_errors(file):
            lock.acquire()
    except filelock.Timeout:
        raise OutputError(
            f"The lock {str(file)!r} is held by another process for more than {seconds:g} s. End that process, or wait."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def exclusive_writer(folder: Path) -> Iterator[None]:
    """Let nobody else who asks write into `folder` meanwhile; `OutputError` where another process does so already."""
    with try_lock(folder / LOCK) as mine:
        if not mine:
            raise OutputError(
                f"The output {str(folder)!r} is being written by another process. Wait for it, or choose another name."
            )
        yield


@contextlib.contextmanager
def exclusive_folder(folder: Path) -> Iterator[None]:
    """Make the folder and keep others out; take it away again if nothing was written, for its name would stay taken.

    Raises `OutputError` where it cannot be made or written, or where another process writes into it.
    """
    require_folder(folder)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with output_errors(folder), exclusive_writer(folder):
            yield
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()
