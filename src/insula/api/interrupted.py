"""What is left of work that did not end: a word on how to go on, or nothing where it was refused."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from insula.core.errors import DataError, RecipeError
from insula.training.run_folder import OWN

PARTS = tuple(name for name in OWN if name not in ("model", "checkpoints"))
"""What stands beside the model of a run and may have been written, or cleared away, before a refusal."""


@contextlib.contextmanager
def resumable(verb: str, folder: Path, begun: Path) -> Iterator[None]:
    """Say in the `KeyboardInterrupt` how to go on, once the file `begun` says that there is something to go on with."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if not begun.exists():
            raise
        raise KeyboardInterrupt(f"Go on with: insula {verb} --resume {shlex.quote(str(folder))}") from stop


@contextlib.contextmanager
def nothing_left_of_a_refusal(folder: Path) -> Iterator[None]:
    """Take away what a run wrote before its recipe or data were refused: it would look like one to go on with.

    A finished run that it was to replace has back what stood beside its model. A run that has come as far as a
    checkpoint is left as it is.
    """
    with tempfile.TemporaryDirectory(prefix="insula-") as aside:
        if (folder / "model").exists():
            _copy_parts(folder, Path(aside))
        try:
            yield
        except (RecipeError, DataError):
            if not (folder / "checkpoints").exists():
                for name in PARTS:
                    if (folder / name).is_dir():
                        shutil.rmtree(folder / name, ignore_errors=True)
                    else:
                        (folder / name).unlink(missing_ok=True)
                _copy_parts(Path(aside), folder)
            raise


def _copy_parts(source: Path, target: Path) -> None:
    for name in PARTS:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).exists():
            shutil.copy2(source / name, target / name)
