"""`retry_until_stopped`: call again while the store or the stream does not answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from insula.core.errors import StoreUnreachableError, StreamError

FIRST_PAUSE = 0.5
MAX_PAUSE = 30.0
"""Seconds between two attempts, doubled from the first to the longest."""

T = TypeVar("T")


def retry_until_stopped(call: Callable[[], T], stop: threading.Event, say: Callable[[str], object]) -> T | None:
    """Return the result of the first call that succeeds, None if `stop` is set before; `say` gets each failure."""
    pause = FIRST_PAUSE
    while True:
        try:
            return call()
        except (StoreUnreachableError, StreamError) as error:
            say(f"{error} Trying again in {pause:g} s.")
            if stop.wait(pause):
                return None
            pause = min(2 * pause, MAX_PAUSE)
