"""Admission control: a request that would wait too long is rejected at once (429), by the measured pace of batches."""

from __future__ import annotations

import math

from insula.serving.http.problems import ProblemError

DECAY = 0.95  # weight of the older measurements after each new one: about the last twenty batches count

# The fixed cost of a batch, in tokens: before it is measured, and at most.
DEFAULT_OVERHEAD, MAX_OVERHEAD = 24.0, 256.0


def reject_long_wait(wait: float, max_wait: float, *, has_room: bool) -> None:
    """Raise `ProblemError` (429) for a request that would wait longer than `max_wait` seconds, or if the queue is full.

    `Retry-After` is the time by which the wait is too long, or the time until the queue is empty.
    """
    if wait <= max_wait and has_room:
        return
    seconds = wait - max_wait if wait > max_wait else wait
    raise ProblemError(
        "overloaded",
        "Too many texts are waiting to answer this request in time. Repeat it after the seconds in Retry-After.",
        headers={"retry-after": str(max(1, math.ceil(seconds)))},
    )


class BatchTiming:
    """Time that batches take: `seconds = start + tokens * each`, by least squares with exponential forgetting."""

    def __init__(self) -> None:
        self._n = self._x = self._y = self._xx = self._xy = 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """Add the measurement of a batch of `tokens` that took `seconds`."""
        self._n = self._n * DECAY + 1
        self._x = self._x * DECAY + tokens
        self._y = self._y * DECAY + seconds
        self._xx = self._xx * DECAY + tokens * tokens
        self._xy = self._xy * DECAY + tokens * seconds

    def estimate_seconds(self, tokens: int, *, batches: int) -> float:
        """Return how long `tokens` take in a number of `batches`; 0 before the first measurement."""
        if not tokens or not self._n:
            return 0.0
        start, each = self._fit_line()
        return batches * start + tokens * each

    def estimate_batch_overhead(self) -> float:
        """Return the number of tokens that take as long as the fixed cost of a batch."""
        start, each = self._fit_line() if self._n else (0.0, 0.0)
        return min(start / each, MAX_OVERHEAD) if start > 0 and each > 0 else DEFAULT_OVERHEAD

    def _fit_line(self) -> tuple[float, float]:
        spread = self._n * self._xx - self._x * self._x
        # Batches of nearly one size do not determine the slope: then only tokens count.
        if spread > 1e-3 * self._n * self._xx:
            each = (self._n * self._xy - self._x * self._y) / spread
            start = (self._y - each * self._x) / self._n
            if each >= 0 and start >= 0:
                return start, each
        return 0.0, self._y / max(self._x, 1.0)
