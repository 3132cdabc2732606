"""`LeadChooser`: chooses which strategy the first draft has, and never by chance where a message may show a danger."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, get_args

from insula.core.errors import DataError
from insula.empathy.drafts import Draft
from insula.empathy.policy.context import DraftContext
from insula.empathy.state import ConversationState
from insula.empathy.strategies import STRATEGIES, Strategy, rank_strategies

Why = Literal["policy", "single", "named", "risk"]
WHYS: tuple[Why, ...] = get_args(Why)
"""Reasons of a choice: drawn by the policy; there was one candidate; the strategy was named; a sign of danger."""
SUM_ERROR = 1e-6  # by which logged probabilities may miss a sum of 1


class StrategyPolicy(Protocol):
    """Says how probable each strategy is to come first.

    name     of the policy: `rules`, `explore`, `thompson`, or that of a plug-in
    version  changes whenever the probabilities can
    """

    @property
    def name(self) -> str:
        """The name."""

    @property
    def version(self) -> str:
        """The version."""

    def weigh(self, context: DraftContext, candidates: Sequence[Strategy]) -> Sequence[float]:
        """Return the probability of each candidate; they sum to 1. The rules put the first candidate first."""


@dataclass(frozen=True)
class Choice:
    """The choice of the strategy that comes first, with everything that learning from it needs; it has no text.

    id             of the choice, unique
    policy         name of the policy, and its `version`
    why            see `WHYS`
    strategy       the one that came first
    candidates     the strategies of the drafts that passed every check; the rules put the first one first
    probabilities  of each candidate to be chosen, in their order; that of `strategy` is the propensity
    context        what the policy knew of the conversation
    """

    id: str
    policy: str
    version: str
    why: Why
    strategy: Strategy
    candidates: tuple[Strategy, ...]
    probabilities: tuple[float, ...]
    context: DraftContext

    @property
    def propensity(self) -> float:
        """The probability with which the strategy was chosen."""
        return self.probabilities[self.candidates.index(self.strategy)]

    @property
    def explored(self) -> bool:
        """Whether another strategy was more probable."""
        return self.propensity < max(self.probabilities)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **vars(self),
            "candidates": list(self.candidates),
            "probabilities": list(self.probabilities),
            "context": self.context.to_dict(),
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the choice that `to_dict` describes; raise `DataError` if it cannot be one."""
        wrong = _find_fault(row)
        if wrong is not None:
            raise DataError(f"The choice is not one that insula made: {wrong}. Send it unchanged.")
        return cls(
            row["id"],
            row["policy"],
            row["version"],
            row["why"],
            row["strategy"],
            tuple(row["candidates"]),
            tuple(float(one) for one in row["probabilities"]),
            DraftContext.from_dict(row["context"]),
        )


class LeadChooser:
    """Chooses the strategy of the first draft with a policy.

    policy  what weighs the candidates
    rng     random number generator; None for one that nobody can predict
    """

    def __init__(self, policy: StrategyPolicy, rng: random.Random | None = None) -> None:
        self.policy = policy
        self._rng = rng or random.SystemRandom()

    def with_rng(self, rng: random.Random) -> LeadChooser:
        """Return a chooser with the same policy and another random number generator."""
        return LeadChooser(self.policy, rng)

    def choose(
        self, drafts: Sequence[Draft], state: ConversationState, *, turn: int, safe: bool, named: bool = False
    ) -> Choice:
        """Return the choice among the strategies of drafts that passed every check.

        drafts  at least one, as the rules order them
        turn    number of the speaker's message in the conversation, from 1
        safe    whether the message and its earlier turns were checked and show no sign of danger, not even a weak one;
                if not, the policy is not asked and the order of the rules stays
        named   whether the caller named the strategy
        """
        candidates = list_candidates(drafts, state)
        context = DraftContext.from_state(state, turn=turn)
        draw, id = self._rng.random(), str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        why: Why = "risk" if not safe else "named" if named else "policy" if len(candidates) > 1 else "single"
        weights = [1.0, *[0.0] * (len(candidates) - 1)]
        if why == "policy":
            weights = [float(one) for one in self.policy.weigh(context, candidates)]
        chosen = candidates[_pick(weights, draw)]
        return Choice(id, self.policy.name, self.policy.version, why, chosen, candidates, tuple(weights), context)


def list_candidates(drafts: Sequence[Draft], state: ConversationState) -> tuple[Strategy, ...]:
    """Return the strategies that may come first: that of the first draft, and others that fit the state."""
    fitting = rank_strategies(state)
    found = dict.fromkeys(
        one.strategy for place, one in enumerate(drafts) if place == 0 or one.strategy in fitting
    )  # fmt: skip
    return tuple(found)


def put_first(drafts: Sequence[Draft], strategy: Strategy) -> tuple[Draft, ...]:
    """Return the drafts with the first one of a strategy before the others, whose order stays."""
    place = next((place for place, one in enumerate(drafts) if one.strategy == strategy), 0)
    return (*drafts[place : place + 1], *drafts[:place], *drafts[place + 1 :])


def _pick(weights: Sequence[float], draw: float) -> int:
    """Return the place whose share of the line from 0 to 1 holds `draw`."""
    below = 0.0
    for place, weight in enumerate(weights):
        below += weight
        if draw < below:
            return place
    return max(range(len(weights)), key=lambda place: weights[place])  # the sum is a rounding error below 1


def _find_fault(row: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a choice, apart from its context; None if nothing is."""
    known = Choice.__dataclass_fields__
    if unknown := sorted(set(row) ^ set(known)):
        return f"its fields must be {', '.join(known)}; the difference is {', '.join(unknown)}"
    if not all(isinstance(row[name], str) and 0 < len(row[name]) <= 100 for name in ("id", "policy", "version")):
        return "id, policy and version must be short texts"
    if row["why"] not in WHYS:
        return f"`why` must be one of {', '.join(WHYS)}"
    candidates, weights = row["candidates"], row["probabilities"]
    if not isinstance(candidates, list | tuple) or not candidates or len(set(candidates)) < len(candidates):
        return "`candidates` must be different strategies"
    if not set(candidates) <= set(STRATEGIES) or row["strategy"] not in candidates:
        return f"`candidates` must be among {', '.join(STRATEGIES)} and hold the strategy that was chosen"
    if not isinstance(weights, list | tuple) or len(weights) != len(candidates):
        return "`probabilities` must have one number for each candidate"
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one <= 1 for one in weights):
        return "`probabilities` must be numbers from 0 to 1"
    if abs(sum(weights) - 1) > SUM_ERROR or weights[list(candidates).index(row["strategy"])] <= 0:
        return "`probabilities` must sum to 1, and that of the chosen strategy must be above 0"
    if not isinstance(row["context"], Mapping):
        return "`context` must be an object"
    return None
