"""`Explanation`: what each word of a text did to a prediction, with measures of its faithfulness."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from insula.core.prediction import Prediction
from insula.explanation.html import shade_text

NoteKind = Literal["negated", "contrast", "intensified", "weakened", "rule"]


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on a word besides its weight.

    kind  `negated`, `intensified`, `weakened`: by the word `by`; `contrast`: it comes after `by` ("but"); `rule`: the
          user's rule `by` looks at it
    by    the word, or the name of the rule
    """

    kind: NoteKind
    by: str

    def __str__(self) -> str:
        return {"contrast": f"after '{self.by}'", "rule": f"rule {self.by}"}.get(self.kind, f"{self.kind}: {self.by}")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written in the text, and its position: characters `start` to `end` (exclusive).

    notes  what a rule of the language, or of the user, says of it
    """

    text: str
    start: int
    end: int
    notes: tuple[Note, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; `notes` only if there are any."""
        row: dict[str, Any] = {"text": self.text, "start": self.start, "end": self.end}
        if self.notes:
            row["notes"] = [{"kind": note.kind, "by": note.by} for note in self.notes]
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Build the object from the output of `to_dict`."""
        notes = tuple(Note(one["kind"], one["by"]) for one in row.get("notes") or ())
        return cls(row["text"], row["start"], row["end"], notes)


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """The faithfulness of one explanation to the model, for one label.

    completeness_error  how far the weights miss the difference in evidence between the text and no words at all; 0 is
                        exact
    comprehensiveness   how much the score falls when the words with the highest weights are removed; higher is better
    sufficiency         how much the score falls when only those words are kept; lower is better
    agreement           Spearman correlation with the weights of a second method, -1 to 1; None with fewer than three
                        words

    Comprehensiveness and sufficiency (DeYoung et al. 2020, ERASER) are means over the top 10, 20, 30, 40 and 50% of
    the words, in units of the score; of a dimension in units of its range.
    """

    completeness_error: float
    comprehensiveness: float
    sufficiency: float
    agreement: float | None

    def to_dict(self, digits: int = 6) -> dict[str, float | None]:
        """Return plain JSON types, rounded to `digits`."""
        row = {name: getattr(self, name) for name in self.__slots__}
        return {name: None if value is None else round(value, digits) for name, value in row.items()}


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The words behind one prediction.

    prediction    the answer that is explained
    method        the explainer's name
    words         the words of the text, in order; in a very long text neighbours are explained together
    weights       label to one weight a word: what the word adds to the evidence for the label. The evidence is the
                  logit (single-label: above the mean of all labels), of a dimension its value
    decision      one weight a word for the whole decision of a multi-label model: its log probability; None elsewhere
    faithfulness  label to the measures of how faithful the weights are; empty if they were not requested
    compared_with the second method of `Faithfulness.agreement`
    evaluations   how many variants of the text the model read
    milliseconds  how long it took
    warning       a sentence on what the method cannot say; empty for most
    """

    prediction: Prediction
    method: str
    words: tuple[Word, ...]
    weights: Mapping[str, tuple[float, ...]]
    decision: tuple[float, ...] | None = None
    faithfulness: Mapping[str, Faithfulness]
    compared_with: str | None = None
    evaluations: int
    milliseconds: float
    warning: str = ""

    @property
    def trust(self) -> Mapping[str, Faithfulness]:
        """The former name of `faithfulness`."""
        warnings.warn(
            "Explanation.trust is now faithfulness. The old name works until version 0.3.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.faithfulness

    def top_words(self, label: str, count: int = 5) -> list[tuple[Word, float]]:
        """Return the words with the largest weights for a label, positive or negative, the largest first."""
        order = sorted(range(len(self.words)), key=lambda place: -abs(self.weights[label][place]))
        return [(self.words[place], self.weights[label][place]) for place in order[:count]]

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types: the prediction's own keys, then the explanation under `explanation`."""
        return {**self.prediction.to_dict(digits), "explanation": self.facts(digits)}

    def facts(self, digits: int = 6) -> dict[str, Any]:
        """Return the explanation without its prediction, as plain JSON types."""
        decision = None if self.decision is None else [round(weight, digits) for weight in self.decision]
        measures = {label: one.to_dict(digits) for label, one in self.faithfulness.items()}
        return {
            "method": self.method,
            "words": [word.to_dict() for word in self.words],
            "weights": {label: [round(one, digits) for one in row] for label, row in self.weights.items()},
            **({} if decision is None else {"decision": decision}),
            "faithfulness": measures,
            "trust": measures,  # the name until version 0.3
            "compared_with": self.compared_with,
            "evaluations": self.evaluations,
            "milliseconds": round(self.milliseconds, 2),
            **({"warning": self.warning} if self.warning else {}),
        }

    @classmethod
    def from_facts(cls, prediction: Prediction, facts: Mapping[str, Any]) -> Self:
        """Return the explanation of a prediction from the result of `facts`."""
        measures = facts["faithfulness"] if "faithfulness" in facts else facts["trust"]  # `trust` until version 0.3
        return cls(
            prediction=prediction,
            method=facts["method"],
            words=tuple(map(Word.from_dict, facts["words"])),
            weights={label: tuple(row) for label, row in facts["weights"].items()},
            decision=None if facts.get("decision") is None else tuple(facts["decision"]),
            faithfulness={label: Faithfulness(**row) for label, row in measures.items()},
            compared_with=facts["compared_with"],
            evaluations=facts["evaluations"],
            milliseconds=facts["milliseconds"],
            warning=facts.get("warning", ""),
        )

    def to_html(self) -> str:
        """Return the text with its words shaded, one block a label, as an HTML fragment without scripts."""
        spans = [(word.start, word.end) for word in self.words]
        notes = ["; ".join(map(str, word.notes)) for word in self.words]
        blocks = [
            shade_text(
                self.prediction.text,
                spans,
                weights,
                notes,
                heading=label,
                score=self.prediction.scores[label],
                caption=". ".join(
                    one for one in (self.prediction.rule_sentence, self.caption(label), self.warning) if one
                ),
            )
            for label, weights in self.weights.items()
        ]
        return f'<div class="insula-explanation">{"".join(blocks)}</div>'

    def caption(self, label: str) -> str:
        """Return one sentence on how faithful the explanation of a label is; empty if it was not measured."""
        if label not in self.faithfulness:
            return ""
        figures = self.faithfulness[label]
        agreement = (
            "" if figures.agreement is None else f"; agreement with {self.compared_with} {figures.agreement:.2f}"
        )
        return (
            f"{self.method}: without the top words the score falls by {figures.comprehensiveness:.2f}, with them alone "
            f"by {figures.sufficiency:.2f}{agreement}"
        )

    def _repr_html_(self) -> str:
        return self.to_html()
