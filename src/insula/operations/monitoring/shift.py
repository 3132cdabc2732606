"""`ShiftDetector`: finds that the share of a label has risen for good, within few messages, with rare false alarms.

It is the test of Shiryaev and Roberts (1966) for a share: the sum, over every message since which the share may have
been raised, of the likelihood ratio of the raised share against the expected one. While the share is as expected, this
sum grows by one a message on average. An alert that is raised when the sum reaches N is therefore false once in at
least N messages, without approximation (Pollak 1985). Among tests with as many false alarms, it finds a change of this
size soonest on average if the share was as expected for long (Pollak and Tartakovsky 2009). After an alert, the same
test, reversed, finds the return to the expected share.
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
    """A detected change: `raised`, or back to the `expected` share, after `place` messages of the batch."""

    raised: bool
    place: int
    expected: float


@dataclass
class ShiftDetector:
    """State of one rule. `total` messages, of which `hits` count, are those from which the expected share is
    learned.

    It is learned from a number of hits, since its relative error is about 1 / sqrt(hits): an expected share that is
    learned too low raises false alarms. `ratio` is the sum of likelihood ratios.
    """

    factor: float
    every: int
    learn: int
    expected: float | None
    total: int = 0
    hits: int = 0
    ratio: float = 0.0
    raised: bool = False

    @classmethod
    def restore(cls, rule: AlertRule, state: Mapping[str, Any] | None) -> ShiftDetector:
        """Return the detector of a rule in a stored state; a changed rule starts again from nothing."""
        fresh = cls(rule.factor, rule.false_alarm_every, rule.learn, rule.expected_share)
        given = ("factor", "every", "learn", "given")
        if state is None or any(state.get(name) != fresh.to_dict(rule)[name] for name in given):
            return fresh
        kept = {name: state[name] for name in ("total", "hits", "raised")}
        # An earlier insula stored another statistic, and the share under another name.
        expected = state["expected"] if "expected" in state else state["usual"]
        return replace(fresh, **kept, expected=expected, ratio=state.get("ratio", 0.0))

    def to_dict(self, rule: AlertRule) -> dict[str, Any]:
        """Return the state for JSON."""
        return {
            "factor": self.factor, "every": self.every, "learn": self.learn, "given": rule.expected_share,
            "expected": self.expected,
            "total": self.total, "hits": self.hits, "ratio": self.ratio, "raised": self.raised,
        }  # fmt: skip

    def update(self, hits: NDArray[np.bool_]) -> list[ShiftChange]:
        """Take in messages in their order; return the changes that they show."""
        changes: list[ShiftChange] = []
        place = 0
        if self.expected is None:
            seen = self.hits + np.cumsum(hits)
            done = np.flatnonzero((seen >= self.learn) | (self.total + np.arange(1, len(hits) + 1) >= MAX_LEARN))
            place = int(done[0]) + 1 if len(done) else len(hits)
            self.total += place
            self.hits += int(hits[:place].sum())
            if not len(done):
                return changes
            self.expected = min(max(self.hits / self.total, MIN_SHARE), MAX_SHARE)
        while place < len(hits):
            found = self._find_crossing(hits[place:], self.expected)
            if found is None:
                break
            place += found
            self.raised = not self.raised
            self.ratio = 0.0
            changes.append(ShiftChange(self.raised, place, self.expected))
        return changes

    def _find_crossing(self, hits: NDArray[np.bool_], expected: float) -> int | None:
        """Add messages until the limit is reached; return their number, None if it is not reached."""
        raised = min(expected * self.factor, max(MAX_SHARE, (1 + expected) / 2))
        start, end = (raised, expected) if self.raised else (expected, raised)
        steps = np.where(hits, math.log(end / start), math.log((1 - end) / (1 - start)))
        path = np.cumsum(steps)
        # R(n) = (1 + R(n - 1)) * ratio(n), solved for all messages at once and in logarithms, where it cannot overflow.
        logs = path + np.logaddexp.accumulate(np.concatenate([[math.log1p(self.ratio)], -path[:-1]]))
        above = np.flatnonzero(logs >= math.log(self.every))
        if len(above):
            return int(above[0]) + 1
        self.ratio = float(np.exp(logs[-1]))
        return None
