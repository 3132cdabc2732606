"""The folder of a run: what is its own in it, what it records, when it may be replaced, what an interruption leaves.

Asking for it loads no library of the training.
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
from insula.core.outputs import FolderKind, already_exists_error, require_empty_or_kind
from insula.evaluation.document import METRICS
from insula.training.tracking.tracking import IDENTITIES

RECORD = "run.json"
RUN = FolderKind("run", (RECORD,))
CLEARED = ("checkpoints", "logs", "baselines", METRICS, "report.html", IDENTITIES)
"""What a new run removes of the one before: without its metrics it counts as unfinished."""
OWN = (*CLEARED, "model", RECORD, "recipe.toml", "tokenizer", "cache")
"""What is in the folder of a run and is its own."""
_BESIDE_MODEL = tuple(name for name in OWN if name not in ("model", "checkpoints"))
"""What may have been written, or removed, before a recipe or data were rejected."""


@dataclass(frozen=True)
class RunRecord:
    """What `run.json` says of a run: its data, its trackers, and what follows when it is finished."""

    source: Sequence[str]
    track: Sequence[str] = ()
    afterwards: Mapping[str, Any] = field(default_factory=dict)


def read_record(folder: Path, *, named: str | Path) -> RunRecord:
    """Return what a run recorded when it started.

    named  what the caller calls the run, for messages

    Raises `MissingFileError` where there is no run, `DataError` where the record is damaged.
    """
    file = folder / RECORD
    if not file.exists():
        raise MissingFileError(f"There is no run to resume at {str(named)!r}: it has no {RECORD}. Check the path.")
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

    Without `overwrite` a finished run is kept, and so is an unfinished one with a checkpoint. Other files in the folder
    of a run stay, so that what it is trained on may be one of them.
    """
    if not overwrite and (folder / "model").exists():
        raise already_exists_error(folder, "a finished run")
    if not overwrite and _has_checkpoint(folder):
        raise OutputError(
            f"The output {str(folder)!r} already holds an unfinished run with a checkpoint. Resume it: "
            f"{_resume_command('train', folder)}; or replace it with --overwrite."
        )
    # A run removes its own reports and logs when it starts, and must not remove those of something else.
    require_empty_or_kind(folder, RUN)


@contextlib.contextmanager
def resume_hint(verb: str, folder: Path, started: Path) -> Iterator[None]:
    """Say in a `KeyboardInterrupt` how to resume, once the file `started` shows that there is something to resume."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if not started.exists():
            raise
        raise KeyboardInterrupt(f"Resume with: {_resume_command(verb, folder)}") from stop


@contextlib.contextmanager
def undone_if_rejected(folder: Path) -> Iterator[None]:
    """Remove what a run wrote before its recipe or data were rejected: it would look like one to resume.

    A finished run that it was to replace gets back what was next to its model. A run that has reached a checkpoint is
    left as it is.
    """
    with tempfile.TemporaryDirectory(prefix="insula-") as kept:
        if (folder / "model").exists():
            _copy_beside_model(folder, Path(kept))
        try:
            yield
        except (RecipeError, DataError):
            if not (folder / "checkpoints").exists():
                for name in _BESIDE_MODEL:
                    if (folder / name).is_dir():
                        shutil.rmtree(folder / name, ignore_errors=True)
                    else:
                        (folder / name).unlink(missing_ok=True)
                _copy_beside_model(Path(kept), folder)
            raise


def _copy_beside_model(source: Path, target: Path) -> None:
    for name in _BESIDE_MODEL:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).exists():
            shutil.copy2(source / name, target / name)


def _resume_command(verb: str, folder: Path) -> str:
    return f"insula {verb} --resume {shlex.quote(str(folder))}"


def _has_checkpoint(folder: Path) -> bool:
    """Whether an unfinished run can be resumed from a checkpoint: hours of work may be in it."""
    if not any((folder / "checkpoints").glob("checkpoint-*")):
        return False
    try:
        return bool(read_record(folder, named=folder).source)
    except (DataError, MissingFileError):
        return False
