"""`EmpathyScore`: the empathy that a reply shows, by the mechanisms of EPITOME.

Sharma et al. (2020), A Computational Approach to Understanding Empathy Expressed in Text-Based Mental Health Support:

- emotional reaction: the writer of the reply expresses warmth, compassion or concern
- interpretation: the reply says what the writer feels or went through, or tells of a similar experience
- exploration: the reply asks what the writer feels or went through
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

Mechanism = Literal["emotional_reaction", "interpretation", "exploration"]
MECHANISMS: tuple[Mechanism, ...] = get_args(Mechanism)
LEVELS = (0, 1, 2)
"""Not shown, weakly shown, strongly shown."""


@dataclass(frozen=True)
class Rationale:
    """Words of a reply that show a mechanism: `text` is characters `start` to `end` of the reply."""

    start: int
    end: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dict(vars(self))


@dataclass(frozen=True)
class MechanismScore:
    """The level of one mechanism.

    level    0 not shown, 1 weakly shown, 2 strongly shown
    scores   probabilities of the three levels
    words    the words that show it, in order; empty at level 0
    missing  how the reply would show more, as a sentence in its language; None at level 2
    """

    level: int
    scores: tuple[float, float, float]
    words: tuple[Rationale, ...] = ()
    missing: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "level": self.level,
            "scores": [round(float(one), 4) for one in self.scores],
            "words": [one.to_dict() for one in self.words],
            "missing": self.missing,
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the score that `to_dict` describes."""
        none, weak, strong = row["scores"]
        return cls(row["level"], (none, weak, strong), tuple(Rationale(**one) for one in row["words"]), row["missing"])


@dataclass(frozen=True)
class EmpathyScore:
    """The empathy that a reply to a message shows.

    message   the message; several turns are joined with line ends
    reply     the reply
    language  `en` or `zh`: the language of the reply
    scorer    what scored it: `rules`, or the name of a trained model
    """

    message: str
    reply: str
    language: str
    emotional_reaction: MechanismScore
    interpretation: MechanismScore
    exploration: MechanismScore
    scorer: str

    @property
    def mechanisms(self) -> dict[Mechanism, MechanismScore]:
        """The scores by mechanism."""
        return {name: getattr(self, name) for name in MECHANISMS}

    @property
    def total(self) -> int:
        """The sum of the levels, 0 to 6."""
        return sum(one.level for one in self.mechanisms.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "message": self.message,
            "reply": self.reply,
            "language": self.language,
            "scorer": self.scorer,
            "total": self.total,
            **{name: one.to_dict() for name, one in self.mechanisms.items()},
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the score that `to_dict` describes."""
        return cls(
            row["message"],
            row["reply"],
            row["language"],
            scorer=row["scorer"],
            **{name: MechanismScore.from_dict(row[name]) for name in MECHANISMS},
        )
