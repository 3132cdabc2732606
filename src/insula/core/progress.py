"""The interface by which long tasks report their progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Reports one task at a time. The command line draws a bar; library calls are silent."""

    def start(self, task: str, total: int | None = None) -> None:
        """Start a task of `total` steps; None if the number is unknown."""

    def expect(self, total: int) -> None:
        """Set the total of the current task, if it becomes known only during the work."""

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Advance by `steps` and show `figures` (loss, rows/s) next to the bar."""

    def skip(self, steps: int) -> None:
        """Advance by `steps` that an earlier run did; they do not count in the estimate of the remaining time."""

    def finish(self) -> None:
        """End the task."""

    def say(self, sentence: str) -> None:
        """Print a lasting message, such as a choice that was made or a warning."""


class Silent:
    """Progress that reports nothing."""

    def start(self, task: str, total: int | None = None) -> None:
        """Do nothing."""

    def expect(self, total: int) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Do nothing."""

    def skip(self, steps: int) -> None:
        """Count skipped steps as done."""
        self.advance(steps)

    def finish(self) -> None:
        """Do nothing."""

    def say(self, sentence: str) -> None:
        """Do nothing."""
