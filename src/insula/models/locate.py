"""Finds a model folder from what users pass as a model: a run, a model folder, or a name."""

from __future__ import annotations

import shlex
from pathlib import Path

from insula.core.errors import ModelFolderError, UnknownNameError, suggest
from insula.core.starter import STARTER
from insula.models.folder import MANIFEST

RUNS = Path("runs")
STARTER_FOLDER = Path(__file__).parent / "starter"


def locate_model(name: str | Path) -> Path:
    """Return the model folder for `name`: the folder itself, `NAME/model`, or `runs/NAME/model`.

    `starter` is the built-in model, unless a run or folder of that name contains a model.

    Raises `UnknownNameError` with a list of runs if nothing is found, and `ModelFolderError` for an unfinished run. Any
    other folder without a manifest is returned unchanged; opening it raises an error with the reason.
    """
    if not str(name).strip():
        raise UnknownNameError(
            "The model must be a run, a model folder, or the name of a run. Got an empty name. Pass one of these."
        )
    for candidate in (Path(name), RUNS / name):
        if _is_present(candidate / MANIFEST):
            return candidate
        if _is_present(candidate / "model"):
            return candidate / "model"
        if _is_present(candidate / "run.json"):
            raise ModelFolderError(
                f"The run {str(candidate)!r} is not finished and has no model yet. "
                f"Resume it with: insula train --resume {shlex.quote(str(candidate))}"
            )
    if str(name) == STARTER:
        return STARTER_FOLDER
    if _is_present(Path(name)):
        return Path(name)
    known = sorted(run.name for run in RUNS.glob("*") if (run / "model" / MANIFEST).exists())
    raise UnknownNameError(
        f"The model {str(name)!r} is neither a run, nor a model folder, nor a name under {RUNS}/. "
        f"Runs: {', '.join(known) or 'none'}.{suggest(Path(name).name, known)} "
        "Train one with: insula train DATA --output runs/NAME"
    )


def _is_present(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # not a valid file name: too long, or contains NUL
        return False
