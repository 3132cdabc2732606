"""Progress of long work on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

from insula.core.progress import Progress, Silent

SECONDS_BETWEEN_LINES = 15.0


@contextlib.contextmanager
def show_progress(quiet: bool) -> Iterator[Progress]:
    """Yield a progress that draws, or a silent one; restore the terminal at the end."""
    if quiet:
        yield Silent()
        return
    progress = TerminalProgress()
    try:
        yield progress
    finally:
        progress.finish()


class TerminalProgress:
    """Draws with rich: task, bar, count, figures, time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars
        from rich.progress import TimeRemainingColumn as Remaining

        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal
        columns = (
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}", style="cyan"),
            TimeElapsedColumn(),
            TextColumn("left"),
            Remaining(),
        )
        self._bars = Bars(*columns, console=self._console, transient=True)
        self._task: Any = None
        self._figures = ""
        self._line = _Line()

    def start(self, task: str, total: int | None = None) -> None:
        """Start a task."""
        self.finish()
        self._line = _Line(task, total)
        self._figures = ""
        if self._live:
            self._bars.start()
            self._task = self._bars.add_task(task, total=total, figures="")

    def expect(self, total: int) -> None:
        """Change the total of the task."""
        self._line.total = total
        if self._live and self._task is not None:
            self._bars.update(self._task, total=total)

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Advance the task."""
        words = "  ".join(f"{name} {_format_value(value)}" for name, value in figures.items())
        if self._live:
            self._figures = words or self._figures
            self._bars.update(self._task, advance=steps, figures=self._figures)
        elif line := self._line.advance(steps, words):
            print(line, file=sys.stderr, flush=True)

    def skip(self, steps: int) -> None:
        """Advance by steps that were done earlier; the time estimate starts here."""
        self._line.skip(steps)
        if self._live and self._task is not None:
            done = next(task.completed for task in self._bars.tasks if task.id == self._task)
            self._bars.reset(self._task, completed=int(done) + steps)

    def finish(self) -> None:
        """Finish the task, if one is running."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._bars.stop()
            self._task = None

    def say(self, sentence: str) -> None:
        """Print a sentence that stays."""
        if self._live:
            self._console.print(sentence, style="dim", markup=False)
        else:  # a log file is not wrapped
            print(sentence, file=sys.stderr, flush=True)


class _Line:
    """The progress line of a log file, at most one every `SECONDS_BETWEEN_LINES`."""

    def __init__(self, task: str = "", total: int | None = None) -> None:
        self.task, self.total = task, total
        self.done = self.skipped = 0
        self.started = self.printed = time.monotonic()

    def skip(self, steps: int) -> None:
        if self.done == self.skipped:  # nothing done yet: the clock starts with the first step
            self.started = time.monotonic()
        self.done += steps
        self.skipped += steps

    def advance(self, steps: int, words: str) -> str | None:
        self.done += steps
        now = time.monotonic()
        if now - self.printed < SECONDS_BETWEEN_LINES:
            return None
        self.printed = now
        left = ""
        if self.total and self.done > self.skipped:
            seconds = (now - self.started) / (self.done - self.skipped) * (self.total - self.done)
            left = f", about {seconds:.0f} s left"
        return f"{self.task}: {self.done:,}{f' of {self.total:,}' if self.total else ''}{left}  {words}".rstrip()


def _format_value(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
