"""How many threads a computation may use."""

from __future__ import annotations

import os


def usable_threads() -> int:
    """Return `OMP_NUM_THREADS` where it is set, else the processors that this process may run on.

    Engines that count the machine's processors instead start threads that wait for each other on a smaller share.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
