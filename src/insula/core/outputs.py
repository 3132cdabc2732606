"""The output guard: which outputs a command may replace, and which files it must never lose.

A command calls the guard before its work, with everything that it reads:

    require_replaceable(output, MODEL, overwrite=overwrite, inputs=[source])
    with atomic_folder(output) as stage:
        ...

The guard checks whether the output may be written. `core.files.atomic_file` and `atomic_folder` then replace it as a
whole at the end, or leave it unchanged. Links are resolved before paths are compared.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from insula.core.errors import OutputError
from insula.core.files import convert_output_errors

RESULT_ENDINGS = (".html", ".json")
LOCK = ".lock"
"""The lock file of a folder. A folder that contains nothing else counts as empty."""


@dataclass(frozen=True)
class FolderKind:
    """A kind of folder that a command writes.

    name   its name in messages, such as `model`
    marks  files or folders that identify it; one of them is enough
    """

    name: str
    marks: tuple[str, ...]

    def is_at(self, folder: Path) -> bool:
        """Whether `folder` is of this kind."""
        return any((folder / mark).exists() for mark in self.marks)


def require_different(output: str | Path, *inputs: str | Path, name: str = "output", other: str = "input") -> None:
    """Raise `OutputError` if the output is one of the inputs.

    inputs  files, folders, or names of data sets (a folder of the same name would hide them)
    name    the name of the output in the message; `other` is the name of the inputs
    """
    for one in inputs:
        if _resolve_links(one) == _resolve_links(output):
            got = f"{str(output)!r} for both"
            if str(one) != str(output):
                got = f"{str(output)!r}, which is the same place as {str(one)!r}"
            raise OutputError(f"The {name} must differ from the {other}. Got {got}. Choose another name.")


def require_outside(output: str | Path, *folders: str | Path) -> None:
    """Raise `OutputError` if the output is inside one of the folders, which are read while it is written."""
    for folder in folders:
        if _resolve_links(folder) in _resolve_links(output).parents:
            raise OutputError(
                f"The output must not be inside the input {str(folder)!r}. Got {str(output)!r}. Choose another name."
            )


def require_disjoint(output: str | Path, *inputs: str | Path) -> None:
    """Raise `OutputError` if the output is one of the inputs or a folder that contains one."""
    require_different(output, *inputs)
    for one in inputs:
        if _resolve_links(output) in _resolve_links(one).parents:
            raise OutputError(
                f"The output must not contain the input. Got {str(output)!r}, which contains {str(one)!r}. "
                "Choose another name."
            )


def require_replaceable(
    output: str | Path, kind: FolderKind, *, overwrite: bool, inputs: Sequence[str | Path] = ()
) -> None:
    """Raise `OutputError` unless a folder of this kind may be written at `output`.

    The path must be free, or a folder of the same kind together with `overwrite`. Nothing else is ever replaced, and
    neither are the inputs, however deep inside the output they are.
    """
    require_disjoint(output, *inputs)
    require_empty_or_kind(output, kind)
    if not overwrite and kind.is_at(Path(output)):
        raise build_exists_error(output, f"a {kind.name}")


def require_empty_or_kind(output: str | Path, kind: FolderKind) -> None:
    """Raise `OutputError` unless `output` is new, empty, or of this kind."""
    require_folder(output)
    with convert_output_errors(Path(output)):
        if kind.is_at(Path(output)) or not Path(output).exists():
            return
        others = any(entry.name != LOCK for entry in Path(output).iterdir())
    if others:
        raise OutputError(
            f"The output must be new, empty or a {kind.name}. Got {str(output)!r}, which contains other files. "
            "Choose another name."
        )


def require_folder(output: str | Path) -> None:
    """Raise `OutputError` if `output` exists and is not a folder."""
    with convert_output_errors(Path(output)):
        if not Path(output).exists() or Path(output).is_dir():
            return
    raise OutputError(f"The output must be a folder. Got {str(output)!r}, which is a file. Choose another name.")


def require_result_file(output: str | Path, *inputs: str | Path, overwrite: bool) -> None:
    """Raise `OutputError` unless a result may be written at `output`: a page (.html) or JSON (.json).

    inputs  files, folders, or names of data sets, which `output` must not replace or be inside of
    """
    require_different(output, *inputs)
    require_outside(output, *inputs)
    if Path(output).suffix not in RESULT_ENDINGS:
        raise OutputError(
            f"The name of the output must end in .html or .json. Got {str(output)!r}. Choose another name."
        )
    if Path(output).is_file() and not overwrite:
        raise build_exists_error(output, "a file")


def build_exists_error(output: str | Path, what: str) -> OutputError:
    """Return the error for an `output` that only `--overwrite` may replace; `what` includes its article."""
    return OutputError(
        f"The output {str(output)!r} already holds {what}. Choose another name, or replace it with --overwrite."
    )


def make_results_folder(output: str | Path, *kinds: FolderKind, inputs: Sequence[str | Path] = ()) -> None:
    """Create the folder for results. Other files in it are kept.

    Raises `OutputError` if it is one of the inputs, or of one of `kinds`, whose own results would be replaced.
    """
    folder = Path(output)
    require_different(folder, *inputs)
    require_folder(folder)
    with convert_output_errors(folder):
        kind = next((one for one in kinds if one.is_at(folder)), None)
        if kind is None:
            folder.mkdir(parents=True, exist_ok=True)
            return
    raise OutputError(
        f"The output {str(output)!r} is a {kind.name}, and its own results would be replaced. Choose another folder, "
        f"such as {str(folder.with_name(f'{folder.name}-results'))!r}."
    )


def _resolve_links(path: str | Path) -> Path:
    """Return a path with all links resolved."""
    return Path(os.path.realpath(path))
