"""Ctrl-C: pressed in this process by a progress, or in one that a test starts."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from insula.core.progress import Silent


class Interrupt(Silent):
    """Presses Ctrl-C after so many steps of training."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.training = False

    def start(self, task: str, total: int | None = None) -> None:
        self.training = task == "training"

    def advance(self, steps: int = 1, **figures: float) -> None:
        if self.training:
            self.after -= steps
            if self.after == 0:
                raise KeyboardInterrupt


def start_interruptible(command: Sequence[str | Path], **options: Any) -> subprocess.Popen[str]:
    """Start a process that SIGINT reaches, even where this one ignores it.

    A shell starts its background jobs with SIGINT ignored, and what is ignored is inherited. A handler is not: the
    started program gets the default in its place, as in a terminal.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, text=True, **options)
    finally:
        signal.signal(signal.SIGINT, before)


def press_ctrl_c(process: subprocess.Popen[str], *, deadline: float, again: float | None = None) -> tuple[str, str]:
    """Send SIGINT until the process ends; return what it wrote to standard output and to standard error.

    Python sees a signal that comes right before a system call only after that call (PEP 475), and one that waits for
    input may wait for ever. A person presses Ctrl-C again, too: after `again` seconds, by default a third of the
    deadline, as a program may take long to end.
    """
    until = time.monotonic() + deadline
    while True:
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=again or deadline / 3)
        except subprocess.TimeoutExpired:
            if time.monotonic() > until:
                raise
