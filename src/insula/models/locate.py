"""From what a user calls a model (a run, a model folder, a name) to its folder."""

from __future__ import annotations

import shlex
from pathlib import Path

from insula.core.errors import ModelFolderError, UnknownNameError, nearest
from insula.core.starter import STARTER
from insula.models.folder import MANIFEST

RUNS = Path("runs")
STARTER_FOLDER = Path(__file__).parent / "starter"


def locate_model(name: str | Path) -> Path:
    """Return the model folder that `name` means: the folder itself, `NAME/model`, or `runs/NAME/model`.

    `starter` is the model that comes with insula, unless you have a run or a folder of that name with a model in it.

    Raises `UnknownNameError` that lists the runs there are where nothing is found, `ModelFolderError` for a run that
    was never finished; another folder without a manifest is returned as it is, so that opening it explains what is
    wrong.
    """
    if not str(name).strip():
        raise UnknownNameError("The model must be a run, a model folder, or the name of a run. Got an empty name.")
    for candidate in (Path(name), RUNS / name):
        if _exists(candidate / MANIFEST):
            return candidate
        if _exists(candidate / "model"):
            return candidate / "model"
        if _exists(candidate / "run.json"):
            raise ModelFolderError(
                f"The run {str(candidate)!r} was never finished: it holds no model yet. "
                f"Resume it with: insula train --resume {shlex.quote(str(candidate))}"
            )
    if str(name) == STARTER:
        return STARTER_FOLDER
    if _exists(Path(name)):
        return Path(name)
    known = sorted(run.name for run in RUNS.glob("*") if (run / "model" / MANIFEST).exists())
    raise UnknownNameError(
        f"The model {str(name)!r} is neither a run, nor a model folder, nor a name under {RUNS}/; "
        f"there are: {', '.join(known) or 'none'}.{nearest(Path(name).name, known)} "
        "Train one with: insula train DATA --output runs/NAME"
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a NUL
        return False
