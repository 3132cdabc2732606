"""Wait for a condition, never for a moment: a busy machine is slow, not wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

DEADLINE = 240.0
"""Seconds after which a test fails that waits for another process, thread or page; only a failing test takes them."""


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Return once `condition()` is true; fail with `what`, a sentence on what did not happen, at the deadline."""
    until = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"After {DEADLINE:.0f} seconds: {what}")
        time.sleep(0.02)


def eventually(found: Callable[[], Any], wanted: Any) -> None:
    """Return once `found()` equals `wanted`; fail with the last value at the deadline."""
    until = time.monotonic() + DEADLINE
    while (last := found()) != wanted:
        if time.monotonic() > until:
            assert last == wanted
        time.sleep(0.02)
