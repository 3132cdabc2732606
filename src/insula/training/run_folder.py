"""The folder of a run: its files, its record, when it may be replaced, and how it is resumed.

This module imports no training library.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, MissingFileError, OutputError, RecipeError
from insula.core.outputs import FolderKind, build_exists_error, require_empty_or_kind
from insula.evaluation.document import METRICS
from insula.training.tracking.tracking import IDENTITIES

RECORD = "run.json"
RUN = FolderKind("run", (RECORD,))
AUGMENTED = "augmented.csv"
"""The augmented rows of a run, next to the rows that they are made from."""
CLEARED = ("checkpoints", "logs", "baselines", METRICS, "report.html", IDENTITIES)
"""Files of an earlier run that a new run removes; a run without metrics counts as unfinished."""
OWN = (*CLEARED, AUGMENTED, "model", RECORD, "recipe.toml", "tokenizer", "cache")
"""All files and folders that a run writes."""
_NEXT_TO_MODEL = tuple(name for name in OWN if name not in ("model", "checkpoints"))
"""Files that a run may write or remove before its recipe or data are rejected."""


@dataclass(frozen=True)
class RunRecord:
    """The content of `run.json`: the data of a run, its trackers, and the step after it."""

    source: Sequence[str]
    track: Sequence[str] = ()
    afterwards: Mapping[str, Any] = field(default_factory=dict)


def read_record(folder: Path, *, named: str | Path) -> RunRecord:
    """Return the record that a run wrote when it started.

    named  the caller's name for the run, for messages

    Raises `MissingFileError` if there is no run, `DataError` if the record is damaged.
    """
    file = folder / RECORD
    if not file.exists():
        raise MissingFileError(
            f"There is no run to resume at {str(named)!r}: the file {RECORD} is missing. Check the path."
        )
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        return RunRecord(
            [str(one) for one in state["source"]],
            [str(one) for one in state.get("track", [])],
            dict(state.get("afterwards", {})),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"The file {str(file)!r} is damaged, so this run cannot be resumed. Train again with --overwrite."
        ) from error


def require_replaceable_run(folder: Path, *, overwrite: bool) -> None:
    """Raise `OutputError` unless a run may be written into `folder`.

    Without `overwrite`, a finished run is kept, and so is an unfinished run with a checkpoint. Other files in the
    folder stay; the training data may be among them.
    """
    if not overwrite and (folder / "model").exists():
        raise build_exists_error(folder, "a finished run")
    if not overwrite and _has_checkpoint(folder):
        raise OutputError(
            f"The output {str(folder)!r} already holds an unfinished run with a checkpoint. Resume it: "
            f"{_resume_command('train', folder)}; or replace it with --overwrite."
        )
    require_empty_or_kind(
        folder, RUN
    )  # a run removes earlier reports and logs when it starts, but never those of other outputs


@contextlib.contextmanager
def add_resume_hint(verb: str, folder: Path, started: Path) -> Iterator[None]:
    """Add the command that resumes to a `KeyboardInterrupt`, if the file `started` exists."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if not started.exists():
            raise
        raise KeyboardInterrupt(f"Resume with: {_resume_command(verb, folder)}") from stop


@contextlib.contextmanager
def restore_if_rejected(folder: Path) -> Iterator[None]:
    """Remove the files of a run whose recipe or data are rejected, so that it does not look resumable.

    If it was to replace a finished run, the files next to that run's model are restored. A run with a checkpoint is
    left as it is.
    """
    with tempfile.TemporaryDirectory(prefix="insula-") as kept:
        if (folder / "model").exists():
            _copy_next_to_model(folder, Path(kept))
        try:
            yield
        except (RecipeError, DataError):
            if not (folder / "checkpoints").exists():
                for name in _NEXT_TO_MODEL:
                    if (folder / name).is_dir():
                        shutil.rmtree(folder / name, ignore_errors=True)
                    else:
                        (folder / name).unlink(missing_ok=True)
                _copy_next_to_model(Path(kept), folder)
            raise


def _copy_next_to_model(source: Path, target: Path) -> None:
    for name in _NEXT_TO_MODEL:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).exists():
            shutil.copy2(source / name, target / name)


def _resume_command(verb: str, folder: Path) -> str:
    return f"insula {verb} --resume {shlex.quote(str(folder))}"


def _has_checkpoint(folder: Path) -> bool:
    """Return whether an unfinished run can be resumed from a checkpoint, which may hold hours of work."""
    if not any((folder / "checkpoints").glob("checkpoint-*")):
        return False
    try:
        return bool(read_record(folder, named=folder).source)
    except (DataError, MissingFileError):
        return False
