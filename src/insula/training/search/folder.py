"""What a search keeps in its folder while it runs: the files of its trials, the locks of its processes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from insula.core.errors import OutputError
from insula.core.files import write_json
from insula.core.locks import try_lock
from insula.core.outputs import FolderKind

TRIALS = "trials"
OWN_STUDY = "study.db"
"""Where the trials stand unless another database is named."""
STUDY = "study.json"
"""Names that other database."""
SEARCH = FolderKind("search", (OWN_STUDY, STUDY, "search.json", "workers"))


def trial_folder(folder: Path, number: int) -> Path:
    """Return where a trial of the search in `folder` keeps its files while it runs."""
    return folder / TRIALS / str(number)


def lock_file(folder: Path, worker: str) -> Path:
    """Return the file that a process of the search in `folder` holds locked while it is at work."""
    return folder / "workers" / f"{worker}.lock"


def refuse_other_study(folder: Path, study: str | None) -> None:
    """Raise `OutputError` where the search in `folder` began with another study: it would begin once more.

    study  a database's address as it may be shown, None for the folder's own file
    """
    file = folder / STUDY
    if file.exists():
        try:
            began: str | None = json.loads(file.read_text(encoding="utf-8"))["study"]
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(
                f"The file {str(file)!r} is damaged: it must name the study that this search began with. Delete it and "
                "give that --study, or search under another --output."
            ) from error
    elif (folder / OWN_STUDY).exists():
        began = None
    else:
        return
    if study != began:
        before = f"--study {began}" if began else f"its own {OWN_STUDY}, without --study"
        raise OutputError(
            f"The search in {str(folder)!r} must go on with the study that it began with: {before}. Got "
            f"{f'--study {study}' if study else 'no --study'}. Give the same, or search under another --output."
        )


def keep_study(folder: Path, study: str | None) -> None:
    """Write down where the trials of the search in `folder` stand; `study` as above."""
    if study is not None:
        write_json(folder / STUDY, {"study": study})


@contextlib.contextmanager
def at_work(file: Path) -> Iterator[None]:
    """Hold the lock file of this process; its folder goes with the last of them, however the search ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with try_lock(file):
            yield
    finally:
        with contextlib.suppress(OSError):  # others may be at work
            file.parent.rmdir()
