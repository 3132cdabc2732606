"""A progress that stops what it watches, as Ctrl-C would."""

from __future__ import annotations

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
