"""Folders that a verb may write: new, empty, or its own of before, where it may be replaced."""

from __future__ import annotations

from pathlib import Path

from insula.core.errors import OutputError


def require_replaceable(folder: Path, *, marker: str, what: str, overwrite: bool) -> None:
    """Raise `OutputError` unless `folder` is free, or holds `what` (known by its file `marker`) and may be replaced."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"The output {str(folder)!r} must be a folder; a file stands there. Choose another name.")
    if not any(folder.iterdir()):
        return
    if not (folder / marker).exists():
        # Only what the verb itself wrote is ever replaced.
        raise OutputError(f"The output {str(folder)!r} holds other files and is no {what}. Choose another name.")
    if not overwrite:
        raise OutputError(
            f"The output {str(folder)!r} holds a {what}. Choose another name, or replace it with --overwrite."
        )
