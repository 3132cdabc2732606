"""What this machine and installation have: optional packages, processors."""

from __future__ import annotations

import importlib.util
import os

from insula.core.errors import MissingExtraError


def require(module: str, *, extra: str | None, purpose: str) -> None:
    """Raise `MissingExtraError` unless `module` can be imported. It is looked up, not imported.

    `purpose` finishes the sentence "... is needed to <purpose>"; `extra` is None for a package that no extra brings.
    """
    if importlib.util.find_spec(module) is None:
        brings = module if extra is None else f"'insula[{extra}]'"
        raise MissingExtraError(
            f"The package {module!r} is needed to {purpose} and is not installed. Install it with: pip install {brings}"
        )


def usable_threads() -> int:
    """Return `OMP_NUM_THREADS` where it is set, else the processors that this process may run on.

    Engines that count the machine's processors instead start threads that wait for each other on a smaller share.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
