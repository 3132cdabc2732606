"""`ExplorationLimits`: the share of messages that may get another strategy than the one rated best, and its floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from insula.core.errors import DataError

MAX_EXPLORED = 0.5  # from here on the strategy rated best would not be the most probable one


@dataclass(frozen=True)
class ExplorationLimits:
    """The limits of exploration, for every message with more than one candidate.

    explore  largest probability, of all other strategies together, to come before the one rated best
    floor    smallest probability of each candidate, so that the log can evaluate later policies; less where `explore`
             leaves less for each

    Raises `DataError` for values out of range.
    """

    explore: float = 0.2
    floor: float = 0.02

    def __post_init__(self) -> None:
        if not 0 <= self.explore <= MAX_EXPLORED:
            raise DataError(
                f"The share of explored messages (explore) must be from 0 to {MAX_EXPLORED}. Got {self.explore:g}. "
                "Choose another value."
            )
        if not 0 <= self.floor <= self.explore:
            raise DataError(
                f"The smallest probability (floor) must be from 0 to that of exploration, {self.explore:g}. Got "
                f"{self.floor:g}. Choose another value."
            )

    def apply(self, weights: Sequence[float], best: int) -> list[float]:
        """Return the probabilities nearest to `weights` that keep the limits; they sum to 1.

        weights  of each candidate, summing to 1
        best     place of the candidate rated best
        """
        others = len(weights) - 1
        if others == 0:
            return [1.0]
        floor = min(self.floor, self.explore / others)
        wanted = sum(weight for place, weight in enumerate(weights) if place != best)
        explored = min(max(wanted, floor * others), self.explore)
        spare = explored - floor * others
        found = [
            floor + spare * (weight / wanted if wanted > 0 else 1 / others) if place != best else 0.0
            for place, weight in enumerate(weights)
        ]
        found[best] = 1.0 - sum(found)
        return found

    def to_dict(self) -> dict[str, float]:
        """Return plain JSON types."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the limits that `to_dict` describes."""
        return cls(float(row["explore"]), float(row["floor"]))


DEFAULT_LIMITS = ExplorationLimits()
