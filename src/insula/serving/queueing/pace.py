"""How long batches take, learnt from those that were computed: what admission is decided by."""

from __future__ import annotations

KEPT = 0.95  # share of its weight that a measurement keeps with every new one: some twenty batches count

# What beginning a batch costs in tokens: before it is measured, and at most.
USUAL_TOKENS, MOST_TOKENS = 24.0, 256.0


class Pace:
    """`seconds = start + tokens * each`, by least squares with exponential forgetting."""

    def __init__(self) -> None:
        self._n = self._x = self._y = self._xx = self._xy = 0.0

    def learn(self, tokens: int, seconds: float) -> None:
        """Count a batch of so many tokens that took so long."""
        self._n = self._n * KEPT + 1
        self._x = self._x * KEPT + tokens
        self._y = self._y * KEPT + seconds
        self._xx = self._xx * KEPT + tokens * tokens
        self._xy = self._xy * KEPT + tokens * seconds

    def seconds(self, tokens: int, *, batches: int) -> float:
        """Return how long so many tokens take in so many batches; 0 while nothing is known."""
        if not tokens or not self._n:
            return 0.0
        start, each = self._line()
        return batches * start + tokens * each

    def another_batch(self) -> float:
        """Return how many tokens could be computed in the time that one more batch takes to begin."""
        start, each = self._line() if self._n else (0.0, 0.0)
        return min(start / each, MOST_TOKENS) if start > 0 and each > 0 else USUAL_TOKENS

    def _line(self) -> tuple[float, float]:
        spread = self._n * self._xx - self._x * self._x
        # Batches of nearly one size say nothing of the slope: then tokens alone count.
        if spread > 1e-3 * self._n * self._xx:
            each = (self._n * self._xy - self._x * self._y) / spread
            start = (self._y - each * self._x) / self._n
            if each >= 0 and start >= 0:
                return start, each
        return 0.0, self._y / max(self._x, 1.0)
