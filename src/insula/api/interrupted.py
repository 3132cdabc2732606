"""What is left of work that did not end: a word on how to go on, or nothing where it was refused."""

from __future__ import annotations

import contextlib
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from insula.core.errors import DataError, RecipeError


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

    A run that has come as far as a checkpoint, or that stands where a finished one did, is left as it is.
    """
    try:
        yield
    except (RecipeError, DataError):
        if not (folder / "checkpoints").exists() and not (folder / "model").exists():
            for file in ("run.json", "recipe.toml"):
                (folder / file).unlink(missing_ok=True)
            for made in ("logs", "tokenizer", "cache", "baselines"):
                shutil.rmtree(folder / made, ignore_errors=True)
        raise
