"""Admission: a request whose turn would come too late is rejected at once (429), by the measured pace of batches."""

from __future__ import annotations

import math

from insula.serving.http.problems import ProblemError

KEPT = 0.95  # share of its weight that a measurement keeps with every new one: about the last twenty batches count

# What the start of a batch costs, in tokens: before it is measured, and at most.
USUAL_TOKENS, MOST_TOKENS = 24.0, 256.0


def check_wait(wait: float, patience: float, *, has_room: bool) -> None:
    """Raise `ProblemError` (429) for a request that would wait longer than its patience, or find no room in the queue.

    The answer says in `Retry-After` when a new try is worth it: after the time that is too much, or once the queue is
    empty.
    """
    if wait <= patience and has_room:
        return
    seconds = wait - patience if wait > patience else wait
    raise ProblemError(
        "overloaded",
        "Too many texts wait for this one to be answered in time. Repeat it after the seconds of Retry-After.",
        headers={"retry-after": str(max(1, math.ceil(seconds)))},
    )


class Pace:
    """How long batches take: `seconds = start + tokens * each`, by least squares with exponential forgetting."""

    def __init__(self) -> None:
        self._n = self._x = self._y = self._xx = self._xy = 0.0

    def learn(self, tokens: int, seconds: float) -> None:
        """Count a batch of `tokens` that took `seconds`."""
        self._n = self._n * KEPT + 1
        self._x = self._x * KEPT + tokens
        self._y = self._y * KEPT + seconds
        self._xx = self._xx * KEPT + tokens * tokens
        self._xy = self._xy * KEPT + tokens * seconds

    def seconds(self, tokens: int, *, batches: int) -> float:
        """Return how long `tokens` take in a number of `batches`; 0 before the first measurement."""
        if not tokens or not self._n:
            return 0.0
        start, each = self._line()
        return batches * start + tokens * each

    def another_batch(self) -> float:
        """Return how many tokens take as long as the start of one more batch."""
        start, each = self._line() if self._n else (0.0, 0.0)
        return min(start / each, MOST_TOKENS) if start > 0 and each > 0 else USUAL_TOKENS

    def _line(self) -> tuple[float, float]:
        spread = self._n * self._xx - self._x * self._x
        # Batches of nearly one size do not determine the slope: then only tokens count.
        if spread > 1e-3 * self._n * self._xx:
            each = (self._n * self._xy - self._x * self._y) / spread
            start = (self._y - each * self._x) / self._n
            if each >= 0 and start >= 0:
                return start, each
        return 0.0, self._y / max(self._x, 1.0)
