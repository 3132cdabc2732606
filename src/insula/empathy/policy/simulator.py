"""`Simulator`: invented people whose reactions to drafts depend on the state and the strategy, to test policies.

Each message is answered by a person of a hidden kind. A policy never sees the kind, and no linear model describes the
reactions exactly. The preferences are invented: how much a policy gains here says nothing about real people.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from insula.empathy.drafts import Draft
from insula.empathy.kinds import Need, Polarity
from insula.empathy.policy.choice import Choice, LeadChooser, StrategyPolicy
from insula.empathy.policy.context import DraftContext
from insula.empathy.policy.outcomes import DEFAULT_REWARDS, DraftOutcome, Rewards, build_outcome
from insula.empathy.state import ConversationState, Feeling
from insula.empathy.strategies import Strategy, rank_strategies

World = Literal["differing", "agreeing"]
"""People whose preferences the rules do not know; people who prefer what the rules put first."""
RISKY = 0.05  # share of messages with a sign of danger, or that could not be checked
SENT = 0.6  # share of the used drafts that are sent as they are
TAKES_ANOTHER = 0.4  # share of the people who pass over the first draft and use one with another strategy
_KINDS: Mapping[str, Mapping[Strategy, float]] = {
    "listener": {"affirmation": 1.2, "restatement": 0.4, "question": -0.6, "suggestions": -1.2, "information": -0.5},
    "solver": {"question": 0.5, "information": 0.8, "suggestions": 0.8, "affirmation": -0.6, "restatement": -0.5},
    "plain": {"restatement": 0.8, "other": 0.5, "suggestions": -0.3},
}
_SHARES: Mapping[str, Mapping[str, float]] = {
    "en": {"listener": 0.3, "solver": 0.4, "plain": 0.3},
    "zh": {"listener": 0.5, "solver": 0.2, "plain": 0.3},
}
_TOLD: Sequence[tuple[float, Polarity, Need, Feeling | None, str | None]] = (
    (0.14, "negative", "heard", "sadness", None),
    (0.10, "negative", "heard", "anger", None),
    (0.10, "negative", "heard", "fear", None),
    (0.06, "negative", "heard", "loneliness", None),
    (0.08, "negative", "heard", None, None),
    (0.12, "negative", "advice", "fear", None),
    (0.15, "negative", "fix", "anger", None),
    (0.10, "unclear", "information", None, None),
    (0.06, "positive", "none", "joy", "got_job"),
    (0.05, "positive", "none", "gratitude", None),
    (0.04, "positive", "none", None, None),
)
"""Share of the messages, polarity, need, feeling, event."""


@dataclass(frozen=True)
class SimulatedMessage:
    """A message: the state of its conversation, the turn, and whether its check shows no sign of danger."""

    state: ConversationState
    turn: int
    safe: bool = True

    @property
    def candidates(self) -> tuple[Strategy, ...]:
        """The strategies that fit, the best first by the rules."""
        return rank_strategies(self.state)

    @property
    def context(self) -> DraftContext:
        """The context that a policy sees."""
        return DraftContext.from_state(self.state, turn=self.turn)


class Simulator:
    """Messages and reactions of a world.

    source  of chance
    """

    def __init__(self, source: random.Random, world: World = "differing") -> None:
        self._source = source
        self._world = world
        self._messages, self._shares = _list_messages()
        self._sums = list(itertools.accumulate(self._shares))

    def draw_message(self) -> SimulatedMessage:
        """Return a message; `RISKY` of them are not safe."""
        (message,) = self._source.choices(self._messages, cum_weights=self._sums)
        if self._source.random() < RISKY:
            return SimulatedMessage(message.state, message.turn, safe=False)
        return message

    def choose(self, chooser: LeadChooser, message: SimulatedMessage) -> Choice:
        """Return the choice for a message, made by the same code as for real drafts."""
        drafts = [Draft(f"A draft: {name}.", name) for name in message.candidates]
        return chooser.choose(drafts, message.state, turn=message.turn, safe=message.safe)

    def react(self, message: SimulatedMessage, choice: Choice) -> DraftOutcome:
        """Return what a person does with the drafts of a message."""
        (kind,) = self._source.choices(list(_KINDS), weights=list(_SHARES[message.state.language].values()))
        if self._source.random() < self._compute_use(message, choice.strategy, kind):
            return build_outcome(choice, "sent" if self._source.random() < SENT else "edited")
        others = [name for name in choice.candidates if name != choice.strategy]
        if others and self._source.random() < TAKES_ANOTHER:
            return build_outcome(choice, "edited", self._source.choice(others))
        return build_outcome(choice, "rejected")

    def compute_reward(
        self, message: SimulatedMessage, strategy: Strategy, rewards: Rewards = DEFAULT_REWARDS
    ) -> float:
        """Return the expected reward of a strategy that comes first."""
        used = sum(
            share * self._compute_use(message, strategy, kind)
            for kind, share in _SHARES[message.state.language].items()
        )
        return used * (SENT + (1 - SENT) * rewards.edited)

    def compute_value(self, policy: StrategyPolicy, rewards: Rewards = DEFAULT_REWARDS) -> float:
        """Return the exact mean reward of a policy over the messages with several candidates, by enumeration."""
        total = 0.0
        for message, share in zip(self._messages, self._shares, strict=True):
            weights = policy.weigh(message.context, message.candidates)
            total += share * sum(
                weight * self.compute_reward(message, name, rewards)
                for weight, name in zip(weights, message.candidates, strict=True)
            )
        return total

    def compute_best(self, message: SimulatedMessage) -> float:
        """Return the expected reward of the best strategy for a message."""
        return max(self.compute_reward(message, name) for name in message.candidates)

    def _compute_use(self, message: SimulatedMessage, strategy: Strategy, kind: str) -> float:
        """Return the probability that a person of a kind uses the draft with a strategy."""
        state = message.state
        if self._world == "agreeing":
            place = message.candidates.index(strategy)
            return 0.6 - 0.2 * place
        pull = _KINDS[kind].get(strategy, 0.0)
        if state.intensity == "high":
            pull += {"affirmation": 0.8, "question": -0.6}.get(strategy, 0.0)
        if state.answers and strategy == "restatement":
            pull += 0.4
        if message.turn > 1 and strategy == "question":
            pull -= 0.5
        return 1 / (1 + math.exp(-pull))


def _list_messages() -> tuple[list[SimulatedMessage], list[float]]:
    """Return all messages, and their shares, which sum to 1."""
    messages, shares = [], []
    for (share, polarity, need, feeling, event), (language, of), strong, (turn, answers, when) in itertools.product(
        _TOLD,
        (("en", 0.6), ("zh", 0.4)),
        (False, True),
        ((1, False, 0.6), (2, False, 0.2), (2, True, 0.2)),
    ):
        state = ConversationState(
            language=language,
            feeling=feeling,
            polarity=polarity,
            intensity="high" if strong else "normal",
            topic=None,
            need=need,
            event=event,
            answers=answers,
        )
        messages.append(SimulatedMessage(state, turn))
        shares.append(share * of * when * (0.35 if strong else 0.65))
    return messages, [one / sum(shares) for one in shares]
