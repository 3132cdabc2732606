"""How far long work is, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

SECONDS_BETWEEN_LINES = 15.0


class TerminalProgress:
    """Draws with rich: task, bar, how many, figures, time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Left

        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal
        columns = (
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}", style="cyan"),
            TimeElapsedColumn(),
            TextColumn("left"),
            Left(),
        )
        self._bars = Progress(*columns, console=self._console, transient=True)
        self._task: Any = None
        self._figures = ""
        self._line = _Line()

    def start(self, task: str, total: int | None = None) -> None:
        """Begin a task."""
        self._line = _Line(task, total)
        self._figures = ""
        if self._live:
            self._bars.start()
            self._task = self._bars.add_task(task, total=total, figures="")

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Go on."""
        words = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        if self._live:
            self._figures = words or self._figures
            self._bars.update(self._task, advance=steps, figures=self._figures)
        elif line := self._line.advance(steps, words):
            print(line, file=sys.stderr, flush=True)

    def finish(self) -> None:
        """End the task."""
        if self._live:
            self._bars.remove_task(self._task)
            self._bars.stop()

    def say(self, sentence: str) -> None:
        """Print a sentence for good."""
        self._console.print(sentence, style="dim" if self._live else None, markup=False)


class _Line:
    """What a log file gets in place of a bar: a line at most every `SECONDS_BETWEEN_LINES`."""

    def __init__(self, task: str = "", total: int | None = None) -> None:
        self.task, self.total = task, total
        self.done = 0
        self.began = self.said = time.monotonic()

    def advance(self, steps: int, words: str) -> str | None:
        self.done += steps
        now = time.monotonic()
        if now - self.said < SECONDS_BETWEEN_LINES:
            return None
        self.said = now
        left = ""
        if self.total and self.done:
            seconds = (now - self.began) / self.done * (self.total - self.done)
            left = f", about {seconds:.0f} s left"
        return f"{self.task}: {self.done:,}{f' of {self.total:,}' if self.total else ''}{left}  {words}".rstrip()
