"""Progress of long work: the interface, a silent implementation, and one for notebooks."""

from __future__ import annotations

import html
import sys
import time
from typing import Any, Protocol

REDRAW_SECONDS = 0.2


class Progress(Protocol):
    """Receiver of the progress of one task at a time; pass your own as `progress=`."""

    def start(self, task: str, total: int | None = None) -> None:
        """Start a task of `total` steps; None if their number is unknown."""

    def expect(self, total: int) -> None:
        """Set the number of steps once it is known."""

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Advance by `steps`; `figures` are shown next to the bar (loss, rows/s)."""

    def skip(self, steps: int) -> None:
        """Advance by `steps` that were done earlier, without effect on the time estimate."""

    def finish(self) -> None:
        """Finish the task."""

    def say(self, sentence: str) -> None:
        """Log a sentence: a choice that was made, a warning."""


class Silent:
    """A progress that shows nothing."""

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


def choose_progress(progress: Progress | None) -> Progress:
    """Return the caller's progress, else one that draws in a notebook and is silent elsewhere."""
    if progress is not None:
        return progress
    return NotebookProgress() if in_notebook() else Silent()


def in_notebook() -> bool:
    """Whether this program is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    return "ipykernel" in sys.modules and shell is not None and shell.get_ipython() is not None


class NotebookProgress:
    """Draws a bar, and prints sentences, in the output of a notebook's cell."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._task = self._figures = ""
        self._total: int | None = None
        self._done = self._skipped = 0
        self._started = self._drawn = 0.0

    def start(self, task: str, total: int | None = None) -> None:
        """Start a task."""
        self.finish()
        self._task, self._total, self._figures = task, total, ""
        self._done = self._skipped = 0
        self._started = self._drawn = time.monotonic()
        self._handle = _display(self._draw_bar())

    def expect(self, total: int) -> None:
        """Set the number of steps."""
        self._total = total

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Advance, and redraw now and then."""
        self._done += steps
        self._figures = ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()) or self._figures
        now = time.monotonic()
        if self._handle is not None and now - self._drawn >= REDRAW_SECONDS:
            self._drawn = now
            self._handle.update(_build_html(self._draw_bar()))

    def skip(self, steps: int) -> None:
        """Advance by steps that were done earlier."""
        self._skipped += steps
        self.advance(steps)

    def finish(self) -> None:
        """Replace the bar with the time that the task took."""
        if self._handle is not None:
            took = f"{html.escape(self._task)}: {self._done:,} in {time.monotonic() - self._started:.1f} s"
            self._handle.update(_build_html(took))
            self._handle = None

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        _display(html.escape(sentence))

    def _draw_bar(self) -> str:
        seconds, new = time.monotonic() - self._started, self._done - self._skipped
        of, left, limit = "", "", ""
        if self._total:
            of, limit = f" of {self._total:,}", f' max="{self._total}" value="{self._done}"'
            left = f", {seconds / new * (self._total - self._done):.0f} s left" if new else ""
        figures = f", {html.escape(self._figures)}" if self._figures else ""
        return f"<progress{limit}></progress> {html.escape(self._task)}: {self._done:,}{of}{left}{figures}"


def _display(markup: str) -> Any:
    from IPython.display import display

    return display(_build_html(markup), display_id=True)  # type: ignore[no-untyped-call]


def _build_html(markup: str) -> Any:
    from IPython.display import HTML

    return HTML(f"<div>{markup}</div>")  # type: ignore[no-untyped-call]
