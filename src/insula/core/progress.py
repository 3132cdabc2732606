"""How long work tells people how far it is, whoever draws it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One task at a time; drawn by the command line, silent in a library call."""

    def start(self, task: str, total: int | None = None) -> None:
        """Begin a task of `total` steps, None where that is not known."""

    def expect(self, total: int) -> None:
        """Say how many steps there will be, where that shows only on the way."""

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Go on by `steps`; `figures` are shown beside the bar (loss, rows)."""

    def skip(self, steps: int) -> None:
        """Go on by `steps` that were done before: they do not tell how long the others will take."""

    def finish(self) -> None:
        """End the task."""

    def say(self, sentence: str) -> None:
        """Tell something for good: a choice that was made, a warning."""


class Silent:
    """The progress that nobody sees."""

    def start(self, task: str, total: int | None = None) -> None:
        """Do nothing."""

    def expect(self, total: int) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Do nothing."""

    def skip(self, steps: int) -> None:
        """Advance: who only counts sees no difference."""
        self.advance(steps)

    def finish(self) -> None:
        """Do nothing."""

    def say(self, sentence: str) -> None:
        """Do nothing."""
