"""`ShiftDetector`: finds that the share of a label has risen for good, within few messages, with rare false alarms.

It is the cumulative sum of Page (1954) for a share: each message adds the log likelihood ratio of the raised share
against the usual one; the sum never falls below zero, and an alert is raised when it reaches a limit. The limit follows
from the wanted number of messages between two false alarms (Wald's approximation; Basseville and Nikiforov 1993,
chapter 5). After an alert the same test, turned round, finds the return to the usual share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.operations.monitoring.settings import AlertRule

MIN_SHARE = 1e-4
MAX_LEARN = 100_000  # messages
MAX_SHARE = 0.99


@dataclass(frozen=True)
class ShiftChange:
    """A detected change: `raised`, or back to the `usual` share, after `place` messages of the batch."""

    raised: bool
    place: int
    usual: float


@dataclass
class ShiftDetector:
    """State of one rule. `total` messages, of which `hits` count, are those from which the usual share is learned.

    It is learned from a number of hits, since its relative error is about 1 / sqrt(hits): a usual share that is learned
    too low raises false alarms.
    """

    factor: float
    every: int
    learn: int
    usual: float | None
    total: int = 0
    hits: int = 0
    sum: float = 0.0
    raised: bool = False

    @classmethod
    def restore(cls, rule: AlertRule, state: Mapping[str, Any] | None) -> ShiftDetector:
        """Return the detector of a rule in a stored state; a changed rule starts again from nothing."""
        fresh = cls(rule.factor, rule.false_alarm_every, rule.learn, rule.usual)
        given = ("factor", "every", "learn", "given")
        if state is None or any(state.get(name) != fresh.to_dict(rule)[name] for name in given):
            return fresh
        return replace(fresh, **{name: state[name] for name in ("usual", "total", "hits", "sum", "raised")})

    def to_dict(self, rule: AlertRule) -> dict[str, Any]:
        """Return the state for JSON."""
        return {
            "factor": self.factor, "every": self.every, "learn": self.learn, "given": rule.usual, "usual": self.usual,
            "total": self.total, "hits": self.hits, "sum": self.sum, "raised": self.raised,
        }  # fmt: skip

    def update(self, hits: NDArray[np.bool_]) -> list[ShiftChange]:
        """Take in messages in their order; return the changes that they show."""
        changes: list[ShiftChange] = []
        place = 0
        if self.usual is None:
            seen = self.hits + np.cumsum(hits)
            done = np.flatnonzero((seen >= self.learn) | (self.total + np.arange(1, len(hits) + 1) >= MAX_LEARN))
            place = int(done[0]) + 1 if len(done) else len(hits)
            self.total += place
            self.hits += int(hits[:place].sum())
            if not len(done):
                return changes
            self.usual = min(max(self.hits / self.total, MIN_SHARE), MAX_SHARE)
        while place < len(hits):
            found = self._find_crossing(hits[place:], self.usual)
            if found is None:
                break
            place += found
            self.raised = not self.raised
            self.sum = 0.0
            changes.append(ShiftChange(self.raised, place, self.usual))
        return changes

    def _find_crossing(self, hits: NDArray[np.bool_], usual: float) -> int | None:
        """Add messages until the limit is reached; return their number, None if it is not reached."""
        raised = min(usual * self.factor, max(MAX_SHARE, (1 + usual) / 2))
        start, end = (raised, usual) if self.raised else (usual, raised)
        steps = np.where(hits, math.log(end / start), math.log((1 - end) / (1 - start)))
        path = self.sum + np.cumsum(steps)
        sums = path - np.minimum(np.minimum.accumulate(path), 0.0)
        above = np.flatnonzero(sums >= find_limit(start, end, self.every))
        if len(above):
            return int(above[0]) + 1
        self.sum = float(sums[-1])
        return None


def find_limit(usual: float, changed: float, every: int) -> float:
    """Return the limit h with (e^h - h - 1) / d = `every`, d being the mean fall of the sum at the usual share."""
    fall = usual * math.log(usual / changed) + (1 - usual) * math.log((1 - usual) / (1 - changed))
    low, high = 0.0, 60.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if math.expm1(middle) - middle > every * fall else (middle, high)
    return high
