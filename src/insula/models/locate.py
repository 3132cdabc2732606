"""From what a user calls a model (a run, a model folder, a name) to its folder."""

from __future__ import annotations

from pathlib import Path

from insula.core.errors import UnknownNameError, nearest
from insula.models.folder import MANIFEST

RUNS = Path("runs")


def locate_model(name: str | Path) -> Path:
    """Return the model folder that `name` means: the folder itself, `NAME/model`, or `runs/NAME/model`.

    Raises `UnknownNameError` that lists the runs there are where nothing is found; a folder that exists and lacks its
    manifest is returned as it is, so that opening it explains what is wrong.
    """
    for candidate in (Path(name), RUNS / name):
        if (candidate / MANIFEST).exists():
            return candidate
        if (candidate / "model").is_dir():
            return candidate / "model"
    if Path(name).is_dir():
        return Path(name)
    known = sorted(run.name for run in RUNS.glob("*") if (run / "model" / MANIFEST).exists())
    raise UnknownNameError(
        f"The model {str(name)!r} is neither a run, nor a model folder, nor a name under {RUNS}/; "
        f"there are: {', '.join(known) or 'none'}.{nearest(Path(name).name, known)} "
        "Train one with: insula train DATA --output runs/NAME"
    )
