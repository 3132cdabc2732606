"""The folder of a search while it runs: the files of its trials, the locks of its processes."""

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
"""The default database of the trials."""
STUDY = "study.json"
"""Names the database if it is another one."""
SEARCH = FolderKind("search", (OWN_STUDY, STUDY, "search.json", "workers"))


def get_trial_folder(folder: Path, number: int) -> Path:
    """Return the folder for the files of a running trial."""
    return folder / TRIALS / str(number)


def lock_file(folder: Path, worker: str) -> Path:
    """Return the file that a process of the search locks while it works."""
    return folder / "workers" / f"{worker}.lock"


def require_same_study(folder: Path, study: str | None) -> None:
    """Raise `OutputError` if the search in `folder` uses another study: a second search would start.

    study  the address of the database without its password, None for the default file in the folder
    """
    file = folder / STUDY
    if file.exists():
        try:
            recorded: str | None = json.loads(file.read_text(encoding="utf-8"))["study"]
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(
                f"The file {str(file)!r} is damaged: it must contain the study of this search. Delete the file and "
                "pass the same --study again, or use another --output."
            ) from error
    elif (folder / OWN_STUDY).exists():
        recorded = None
    else:
        return
    if study != recorded:
        before = f"--study {recorded}" if recorded else f"its own {OWN_STUDY}, without --study"
        raise OutputError(
            f"The search in {str(folder)!r} must continue with its first study: {before}. Got "
            f"{f'--study {study}' if study else 'no --study'}. Pass the same study, or search with another --output."
        )


def record_study(folder: Path, study: str | None) -> None:
    """Record the study of the search in `folder`; `study` as in `require_same_study`."""
    if study is not None:
        write_json(folder / STUDY, {"study": study})


@contextlib.contextmanager
def hold_worker_lock(file: Path) -> Iterator[None]:
    """Hold the lock file of this process; the last process removes the folder of the locks."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with try_lock(file):
            yield
    finally:
        with contextlib.suppress(OSError):  # other processes may be working
            file.parent.rmdir()
