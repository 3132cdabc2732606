"""`Prediction`: the prediction of a model for one text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One prediction.

    text        the text as given
    labels      the predicted labels, the highest score first: one for single-label schemes, any number for multi-label,
                none for dimensional
    label       the predicted label, if several the one with the highest score; None if no label is predicted
    scores      label to calibrated probability in [0, 1], or dimension to value in its range
    confidence  the probability that the model assigns to its own decision; None for dimensional schemes
    abstained   True if the model abstains ("I don't know"): low confidence, or a text unlike its training
                texts
    language    ISO 639-1 code, if given or detected
    id          the id of the input, if it has one
    truncated   True if the text is longer than the model reads, so that its end did not count
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

    @property
    def ranked(self) -> list[str]:
        """The names of the scores: decided labels first, then the others, each group by score, the highest first."""
        return sorted(self.scores, key=lambda name: (name not in self.labels, -self.scores[name]))

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types with scores rounded to `digits`; `id`, `language` and `truncated` only if set."""
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
        return row
