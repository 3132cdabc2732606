"""`DraftContext`: what a policy knows of a conversation, in a few categories and without a word of any text.

The topic and the event of a message are left out on purpose: they say what happened to a person.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from insula.core.errors import DataError
from insula.empathy.kinds import Need, Polarity
from insula.empathy.state import FEELINGS, LANGUAGES, ConversationState, Feeling

MAX_TURNS = 3
VALUES: Mapping[str, tuple[Any, ...]] = {
    "language": LANGUAGES,
    "feeling": (None, *FEELINGS),
    "polarity": ("positive", "negative", "unclear"),
    "intensity": ("normal", "high"),
    "need": ("heard", "advice", "information", "fix", "none"),
    "moved": (None, "better", "worse", "same"),
    "asked": (None, "advice", "fix", "information"),
    "answers": (False, True),
    "sure": (False, True),
    "turn": tuple(range(1, MAX_TURNS + 1)),
}
"""The values that each field may have; nothing else is ever logged."""


@dataclass(frozen=True)
class DraftContext:
    """The context in which a strategy is chosen: the fields of `ConversationState` with the same names, and the turn.

    turn  number of the speaker's message in the conversation, from 1; `MAX_TURNS` stands for all later ones
    """

    language: str
    feeling: Feeling | None
    polarity: Polarity
    intensity: Literal["normal", "high"]
    need: Need
    moved: Literal["better", "worse", "same"] | None = None
    asked: Need | None = None
    answers: bool = False
    sure: bool = True
    turn: int = 1

    @classmethod
    def from_state(cls, state: ConversationState, *, turn: int) -> Self:
        """Return the context of a state.

        turn  number of the speaker's message in the conversation, from 1
        """
        shared = {one.name: getattr(state, one.name) for one in fields(cls) if one.name != "turn"}
        return cls(**shared, turn=min(max(turn, 1), MAX_TURNS))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the context that `to_dict` describes; raise `DataError` for a field or value that does not exist."""
        if unknown := sorted(set(row) ^ set(VALUES)):
            raise DataError(
                f"The context of a choice must have exactly the fields {', '.join(VALUES)}. Missing or unknown: "
                f"{', '.join(unknown)}. Send the choice unchanged."
            )
        for name, allowed in VALUES.items():
            if not any(row[name] == one and type(row[name]) is type(one) for one in allowed):
                raise DataError(
                    f"The field {name!r} of a context must be one of {', '.join(map(repr, allowed))}. "
                    f"Got {str(row[name])[:40]!r}. Send the choice unchanged."
                )
        return cls(**row)


_LOSS, _THREAT = frozenset({"sadness", "grief", "disappointment"}), frozenset({"fear", "anger"})
_SELF = frozenset({"shame", "loneliness", "tiredness"})
# Names of the features of a strategy in a context, and whether each is 1; "leads" is set by `encode`.
_READERS: Mapping[str, Callable[[DraftContext], bool]] = {
    "base": lambda _: True,
    "leads": lambda _: False,
    "chinese": lambda one: one.language == "zh",
    "negative": lambda one: one.polarity == "negative",
    "positive": lambda one: one.polarity == "positive",
    "strong": lambda one: one.intensity == "high",
    "wants to be heard": lambda one: one.need == "heard",
    "wants advice": lambda one: one.need == "advice",
    "wants information": lambda one: one.need == "information",
    "wants a fix": lambda one: one.need == "fix",
    "loss": lambda one: one.feeling in _LOSS,
    "threat": lambda one: one.feeling in _THREAT,
    "alone or ashamed": lambda one: one.feeling in _SELF,
    "feels better": lambda one: one.moved == "better",
    "feels worse": lambda one: one.moved == "worse",
    "asked before": lambda one: one.asked is not None,
    "answers a question": lambda one: one.answers,
    "unsure": lambda one: not one.sure,
    "second turn or later": lambda one: one.turn > 1,
}
FEATURES: tuple[str, ...] = tuple(_READERS)
"""The features of a strategy in a context, each 0 or 1; `leads` is 1 for the strategy that the rules put first."""


@functools.lru_cache(16_384)
def encode(context: DraftContext, *, leads: bool) -> tuple[float, ...]:
    """Return the values of `FEATURES`.

    leads  whether the rules put the strategy first
    """
    return tuple(float(leads if name == "leads" else read(context)) for name, read in _READERS.items())
