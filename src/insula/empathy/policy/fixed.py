"""The policies that need no log: `RulesPolicy`, the order of the rules, and `ExplorePolicy`, which tries others."""

from __future__ import annotations

from collections.abc import Sequence

from insula import __version__
from insula.empathy.policy.context import DraftContext
from insula.empathy.policy.limits import DEFAULT_LIMITS, ExplorationLimits
from insula.empathy.strategies import Strategy


class RulesPolicy:
    """Keeps the order of `rank_strategies`: no chance, and so no log of it can evaluate another policy."""

    name = "rules"
    version = __version__

    def weigh(self, context: DraftContext, candidates: Sequence[Strategy]) -> Sequence[float]:
        """Return 1 for the first candidate, 0 for the others."""
        return [1.0, *[0.0] * (len(candidates) - 1)]


class ExplorePolicy:
    """Keeps the order of the rules for most messages and puts each other candidate first equally often for the rest.

    limits  of exploration: `explore` is the share of messages where another candidate comes first
    """

    name = "explore"

    def __init__(self, limits: ExplorationLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits

    @property
    def version(self) -> str:
        """The version of insula and the share that is explored."""
        return f"{__version__}-{self.limits.explore:g}"

    def weigh(self, context: DraftContext, candidates: Sequence[Strategy]) -> Sequence[float]:
        """Return the probability of each candidate."""
        others = len(candidates) - 1
        return [1 - self.limits.explore, *[self.limits.explore / others] * others] if others else [1.0]
