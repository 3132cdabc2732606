"""`Prediction`: the prediction of a model for one text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PriorDecision:
    """The decision of a model before the user's rules changed it: labels and scores, as in `Prediction`."""

    labels: tuple[str, ...]
    scores: Mapping[str, float]

    @classmethod
    def from_dict(cls, row: Mapping[str, Any] | None) -> PriorDecision | None:
        """Build the object from the output of `to_dict`; None for None."""
        return None if row is None else cls(tuple(row["labels"]), dict(row["scores"]))

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types with scores rounded to `digits`."""
        scores = {name: round(float(score), digits) for name, score in self.scores.items()}
        return {"labels": list(self.labels), "scores": scores}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The prediction of a model for one input.

    text        the text as given
    labels      the predicted labels, the highest score first: one for single-label schemes, any number for multi-label,
                none for dimensional
    label       the predicted label, if several the one with the highest score; None if no label is predicted
    scores      label to calibrated probability in [0, 1], or dimension to value in its range
    confidence  the probability that the model assigns to its own decision; None for dimensional schemes
    abstained   True if the model abstains ("I don't know"): low confidence, a text unlike its training texts, or a
                sign of risk
    language    ISO 639-1 code, if given or detected
    id          the id of the input, if it has one
    truncated   True if the text is longer than the model reads, so that its end did not count
    at_risk     True if the model abstains only because the text shows a sign of risk, such as of suicide: a person
                should read it. False says nothing about the risk (`insula safety check`)
    rules       names of the user's rules that changed the prediction
    before      the decision before the rules, if they changed it: its labels and scores
    """

    text: str
    labels: tuple[str, ...]
    label: str | None
    scores: Mapping[str, float]
    confidence: float | None = None
    abstained: bool = False
    language: str | None = None
    id: str | None = None
    truncated: bool = False
    at_risk: bool = False
    rules: tuple[str, ...] = ()
    before: PriorDecision | None = None

    @property
    def ranked(self) -> list[str]:
        """The names of the scores: decided labels first, then the others, each group by score, the highest first."""
        return sorted(self.scores, key=lambda name: (name not in self.labels, -self.scores[name]))

    @property
    def labels_before(self) -> list[str]:
        """The labels before the rules, or `name=value` for each dimension; empty if no rule changed the prediction."""
        if self.before is None:
            return []
        if self.before.labels or self.labels or self.confidence is not None:
            return list(self.before.labels)
        return [f"{name}={round(float(value), 6):g}" for name, value in self.before.scores.items()]

    @property
    def rule_sentence(self) -> str:
        """Sentence on the rules that changed the prediction, and its value before; empty if none did."""
        if self.before is None:
            return ""
        return f"changed by {', '.join(self.rules)}; before: {', '.join(self.labels_before) or 'none'}"

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types with scores rounded to `digits`.

        `id`, `language`, `truncated` and `at_risk` only if set; `rules` and `before` only if rules changed the
        prediction.
        """
        row: dict[str, Any] = {
            "text": self.text,
            "labels": list(self.labels),
            "label": self.label,
            "scores": {name: round(float(score), digits) for name, score in self.scores.items()},
            "confidence": None if self.confidence is None else round(float(self.confidence), digits),
            "abstained": self.abstained,
        }
        if self.id is not None:
            row["id"] = self.id
        if self.language is not None:
            row["language"] = self.language
        if self.truncated:
            row["truncated"] = True
        if self.at_risk:
            row["at_risk"] = True
        if self.before is not None:
            row["rules"] = list(self.rules)
            row["before"] = self.before.to_dict(digits)
        return row
