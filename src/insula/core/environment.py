"""The machine and the installation: optional packages, processors."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import warnings
from pathlib import Path

from insula.core.errors import MissingExtraError
from insula.core.progress import in_notebook


def require(module: str, *, extra: str | None, purpose: str) -> None:
    """Raise `MissingExtraError` if `module` is not installed. The module is looked up, not imported.

    purpose  completes the sentence "The package is needed to ..."
    extra    the extra of insula that installs it; None if no extra does
    """
    if importlib.util.find_spec(module) is None:
        package = module if extra is None else f"'insula[{extra}]'"
        raise MissingExtraError(
            f"The package {module!r} is needed to {purpose} and is not installed. "
            f"Install it with: pip install {package}"
        )
    if in_notebook():
        _import_tqdm()


def _import_tqdm() -> None:
    """Import tqdm as transformers and others will: the first import in a notebook warns that it has no widgets.

    insula draws its own progress, so that the warning asks users for a package that they do not need.
    """
    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        warnings.simplefilter("ignore")
        importlib.import_module("tqdm.auto")


def get_cache_folder(name: str) -> Path:
    """Return the folder `name` in the user's cache of insula: `$XDG_CACHE_HOME/insula`, or `~/.cache/insula`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "insula" / name


def count_usable_threads() -> int:
    """Return `OMP_NUM_THREADS` if it is set, else the number of processors that this process may use.

    In a container with fewer processors than the machine, one thread per machine processor would be slower.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
