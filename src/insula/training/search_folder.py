"""What a search keeps in its folder while it runs: the files of its trials, the locks of its processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from insula.core.locks import held

TRIALS = "trials"


def trial_folder(folder: Path, number: int) -> Path:
    """Return where a trial of the search in `folder` keeps its files while it runs."""
    return folder / TRIALS / str(number)


def lock_file(folder: Path, worker: str) -> Path:
    """Return the file that a process of the search in `folder` holds locked while it is at work."""
    return folder / "workers" / f"{worker}.lock"


@contextlib.contextmanager
def at_work(file: Path) -> Iterator[None]:
    """Hold the lock file of this process; its folder goes with the last of them, however the search ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with held(file):
            yield
    finally:
        with contextlib.suppress(OSError):  # others may be at work
            file.parent.rmdir()
