"""`MessageReport`: the emotions in messages, of all of them and of each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from insula.evaluation.result import Interval
from insula.operations.monitoring.trend import TrendPoint
from insula.operations.reporting.settings import Advice, ReportFile


@dataclass(frozen=True)
class InfluentialWord:
    """A word that led the model to a label: the number of explained messages with it, and its mean weight in them."""

    word: str
    messages: int
    weight: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {"word": self.word, "messages": self.messages, "weight": round(self.weight, 4)}


@dataclass(frozen=True)
class Quote:
    """A message with a high score for a label, its personal data masked.

    is_sure         whether the model is sure of the label
    spans, weights  start and end of each word, and what it adds to the evidence for the label
    """

    text: str
    label: str
    score: float
    is_sure: bool
    time: datetime | None
    spans: Sequence[tuple[int, int]] = ()
    weights: Sequence[float] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        time = None if self.time is None else self.time.isoformat(timespec="seconds")
        return {
            "text": self.text,
            "label": self.label,
            "score": round(self.score, 4),
            "sure": self.is_sure,
            "time": time,
        }


@dataclass(frozen=True)
class PolaritySummary:
    """The words and quotes behind the labels of one polarity, or behind one label if labels have none.

    name       `positive`, `negative`, or the label
    messages   how many have one of the labels
    explained  how many of them were explained: those of which the model is sure first, then the highest scores
    """

    name: str
    messages: int
    explained: int
    words: Sequence[InfluentialWord]
    quotes: Sequence[Quote]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {
            "name": self.name, "messages": self.messages, "explained": self.explained,
            "words": [one.to_dict() for one in self.words], "quotes": [one.to_dict() for one in self.quotes],
        }  # fmt: skip


@dataclass(frozen=True)
class ApplicableAdvice:
    """A piece of advice, with the share of messages that it is based on."""

    advice: Advice
    share: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {"name": self.advice.name, "text": self.advice.text, "share": self.share.to_dict()}


@dataclass(frozen=True)
class GroupReport:
    """The messages of a group; `name` is empty for all messages.

    total   their sum
    points  their windows in time, in order; without messages that have no time
    """

    name: str
    total: TrendPoint
    points: Sequence[TrendPoint]
    sides: Sequence[PolaritySummary]
    advice: Sequence[ApplicableAdvice] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        counted = self.total.to_dict()
        for key in ("start", "seconds", "attributes"):
            del counted[key]
        return {
            "name": self.name, **counted, "windows": [point.to_dict() for point in self.points],
            "sides": [side.to_dict() for side in self.sides], "advice": [one.to_dict() for one in self.advice],
        }  # fmt: skip


@dataclass(frozen=True)
class MessageReport:
    """The emotions in a file of messages.

    rejected  rows that are no messages; `first_reject` gives the reason for the first one
    untimed   messages without a time, which are in no window
    at_risk   ids of messages with signs of risk, such as of suicide; none of them is quoted
    crowded   groups beyond those that are reported
    """

    settings: ReportFile
    source: str
    model: str
    overall: GroupReport
    groups: Sequence[GroupReport] = ()
    rejected: int = 0
    first_reject: str | None = None
    untimed: int = 0
    at_risk: Sequence[str] = ()
    crowded: int = 0
    notes: Sequence[str] = field(default_factory=tuple)

    def to_dict(self) -> Mapping[str, Any]:
        """Return the fields for JSON."""
        return {
            "source": self.source, "model": self.model, "by": self.settings.by, "rejected": self.rejected,
            "untimed": self.untimed, "at_risk": list(self.at_risk), "crowded": self.crowded,
            "notes": list(self.notes),
            "overall": self.overall.to_dict(), "groups": [group.to_dict() for group in self.groups],
        }  # fmt: skip
