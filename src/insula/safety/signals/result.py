"""`RiskCheck`: what the check of an incoming message found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

RiskKind = Literal["suicide", "self_harm", "violence", "abuse", "medical_emergency"]
Wording = Literal["explicit", "oblique"]
Frame = Literal["first_person", "third_person", "joking", "quoted", "past"]
Level = Literal["none", "concern", "high", "immediate"]
KINDS: tuple[RiskKind, ...] = ("suicide", "self_harm", "violence", "abuse", "medical_emergency")
LEVELS: tuple[Level, ...] = ("none", "concern", "high", "immediate")


@dataclass(frozen=True, order=True)
class RiskSpan:
    """Words that show a risk.

    start, end  offsets in the message
    kind        the kind of risk
    wording     `explicit` names the act or the danger, `oblique` does not
    rule        name of the rule, such as `en.suicide.explicit.3`
    """

    start: int
    end: int
    kind: RiskKind
    wording: Wording
    rule: str


@dataclass(frozen=True)
class RiskScore:
    """The answer of a trained model about a message.

    value  the score of any risk: from 0.5 on it is a signal; it is no probability
    kinds  the score of each kind of risk
    """

    value: float
    kinds: Mapping[RiskKind, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(0 <= one <= 1 for one in (self.value, *self.kinds.values())):
            raise ValueError(f"A risk score must be between 0 and 1. Got {self.value!r}. Pass a probability.")


@dataclass(frozen=True)
class RiskCheck:
    """The check of a message.

    signal        whether a risk was found
    level         `none`; `concern`, somebody should ask; `high`, soon; `immediate`, now
    kinds         the kinds of risk, the most certain first
    wording       `explicit`, `oblique`, or None without a signal
    frames        first or third person, and whether it is joking, quoted or past
    spans         the words that show it, in order
    reasons       sentences for the person who takes over
    needs_person  whether no automatic answer may be sent: a signal, a failed check, an unknown language
    failure       why the message could not be checked, None if it was
    score         the value of the learned score that was passed in, if any
    """

    signal: bool
    level: Level
    kinds: tuple[RiskKind, ...] = ()
    wording: Wording | None = None
    frames: tuple[Frame, ...] = ()
    spans: tuple[RiskSpan, ...] = ()
    reasons: tuple[str, ...] = ()
    needs_person: bool = False
    failure: str | None = None
    score: float | None = None

    @property
    def priority(self) -> int:
        """0 for none to 3 for immediate; a message that could not be checked counts as high."""
        return 2 if self.failure is not None and not self.signal else LEVELS.index(self.level)

    def with_failure(self, failure: str) -> RiskCheck:
        """Return this result as one of a check that failed, in whole or in part: a person must read the message."""
        return replace(
            self,
            needs_person=True,
            failure=self.failure or failure,
            reasons=(*self.reasons, f"{failure} A person must read the message."),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the text."""
        return {
            "signal": self.signal,
            "level": self.level,
            "priority": self.priority,
            "kinds": list(self.kinds),
            "wording": self.wording,
            "frames": list(self.frames),
            "spans": [vars(span) for span in self.spans],
            "reasons": list(self.reasons),
            "needs_person": self.needs_person,
            "failure": self.failure,
            "score": self.score,
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the check that `to_dict` describes."""
        return cls(
            row["signal"],
            row["level"],
            tuple(row["kinds"]),
            row["wording"],
            tuple(row["frames"]),
            tuple(RiskSpan(**span) for span in row["spans"]),
            tuple(row["reasons"]),
            row["needs_person"],
            row["failure"],
            row["score"],
        )
