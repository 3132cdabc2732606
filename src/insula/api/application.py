"""`create_application`: a working example in a folder of your own, to change and to extend."""

from __future__ import annotations

import shutil
from pathlib import Path

import insula
from insula.core.errors import DataError, OutputError, UnknownNameError, suggest
from insula.core.files import convert_output_errors


def list_applications() -> list[str]:
    """Return the names of the examples."""
    return sorted(one.name for one in _find_examples().iterdir() if (one / "README.md").is_file())


def create_application(name: str, folder: str | Path) -> Path:
    """Copy an example into a folder, which must not exist or must be empty; return the folder.

    Raises `UnknownNameError` for an unknown example, `DataError` if the folder has files, `OutputError` if it cannot
    be written.
    """
    known, target = list_applications(), Path(folder)
    if name not in known:
        raise UnknownNameError(f"The example must be one of {', '.join(known)}. Got {name!r}.{suggest(name, known)}")
    with convert_output_errors(target):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise DataError(f"The folder {str(target)!r} must be empty. It has files. Choose another folder.")
        shutil.copytree(
            _find_examples() / name,
            target,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", "data", "report*.html"),
        )
    return target


def _find_examples() -> Path:
    """Return the folder of the examples: in the package, or in the clone that it was installed from."""
    package = Path(insula.__file__).parent
    for folder in (package / "examples", package.parents[1] / "examples"):
        if folder.is_dir():
            return folder
    raise OutputError("The examples are missing from this installation. Install insula again.")
