"""View model of a prediction: the decision as a sentence, scores as bars, coarser levels and decided labels first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from insula.core.levels import compute_level_predictions, find_levels
from insula.core.model_input import ModelInput
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.evaluation.reports.signs import find_sign
from insula.serving.pages.words import Translator
from insula.text.context import Context

SHOWN = 6


@dataclass(frozen=True)
class ScoreRow:
    """One label: its display name, its score, the length of its bar (0 to 100), and whether it was predicted.

    sign  the name of its sign and colour, empty for a label of no known emotion
    """

    name: str
    score: str
    bar: str
    given: bool
    note: str = ""
    sign: str = ""


@dataclass(frozen=True)
class LevelView:
    """A coarser level of an answer, with all of its labels, the decided ones first."""

    name: str
    title: str
    rows: list[ScoreRow]

    @property
    def given(self) -> list[ScoreRow]:
        """The decided labels."""
        return [row for row in self.rows if row.given]


@dataclass(frozen=True)
class Answer:
    """The answer to one text.

    decision    the sentence that a screen reader reads first
    confidence  the confidence as a sentence, empty if the model has none
    rows        all predicted labels, then the largest other scores
    all_rows    every label, in the order of the scheme; empty if `rows` has them all
    levels      the coarser levels of the scheme, the coarsest first
    """

    decision: str
    abstained: bool
    lean: str
    confidence: str
    rows: list[ScoreRow]
    all_rows: list[ScoreRow]
    levels: list[LevelView] = field(default_factory=list)


def build_answer_view(scheme: LabelScheme, prediction: Prediction, say: Translator) -> Answer:
    """Return the view of a prediction in a language."""
    rows = {name: _build_row(scheme, prediction, name, say) for name in prediction.scores}
    if not scheme.is_categorical:
        return Answer(say("says_values"), False, "", "", list(rows.values()), [])
    names = [scheme.display_name(label, say.language) for label in prediction.labels]
    labels = say("comma").join(names)
    shown = [rows[name] for place, name in enumerate(prediction.ranked) if place < SHOWN or rows[name].given]
    if prediction.at_risk:
        decision, lean = say("unsure"), ""
    elif prediction.abstained:
        decision, lean = say("unsure"), say("unsure_lean", labels=labels) if names else say("unsure_none")
    else:
        decision, lean = say("says", labels=labels) if names else say("says_none"), ""
    sure = prediction.confidence
    return Answer(
        decision=decision,
        abstained=prediction.abstained,
        lean=lean,
        confidence="" if sure is None else say("confidence", share=say.format_share(sure)),
        rows=shown,
        all_rows=list(rows.values()) if len(rows) > len(shown) else [],
        levels=_build_levels(scheme, prediction, say),
    )


def list_reading_notes(given: ModelInput, prediction: Prediction, context: Context, say: Translator) -> list[str]:
    """Return notes on which turns, target and part of the text the model read or ignored."""
    notes = [say("text_at_risk")] if prediction.at_risk else []
    notes += [say("text_truncated")] if prediction.truncated else []
    if given.turns:
        read = min(len(given.turns), context.turns)
        notes.append(say("turns_read", count=read, all=len(given.turns)) if read else say("turns_unread"))
    if given.target is not None:
        notes.append(say("target_read", target=given.target) if context.target else say("target_unread"))
    return notes


def _build_row(scheme: LabelScheme, prediction: Prediction, label: str, say: Translator) -> ScoreRow:
    score = prediction.scores[label]
    if scheme.is_categorical:
        return _build_label_row(scheme, label, score, prediction.labels, say)
    low, high = scheme.ranges[label]
    part = (score - low) / (high - low) if high > low else 0.0
    return ScoreRow(
        scheme.display_name(label, say.language),
        f"{score:.2f}".replace("-", "−"),
        _format_width(part),
        given=False,
        note=say("range", low=f"{low:g}", high=f"{high:g}"),
    )


def _build_levels(scheme: LabelScheme, prediction: Prediction, say: Translator) -> list[LevelView]:
    known, answers = find_levels(scheme), compute_level_predictions(scheme, prediction)
    return [_build_level(known[name].scheme, answers[name], say) for name in reversed(answers)]


def _build_level(scheme: LabelScheme, answer: Mapping[str, Any], say: Translator) -> LevelView:
    scores, given = answer["scores"], answer["labels"]
    ranked = sorted(scheme.names, key=lambda label: (label not in given, -scores[label]))
    rows = [_build_label_row(scheme, label, scores[label], given, say) for label in ranked]
    return LevelView(scheme.name, say.name_level(scheme.name), rows)


def _build_label_row(
    scheme: LabelScheme, label: str, score: float, given: Collection[str], say: Translator
) -> ScoreRow:
    name, sign = scheme.display_name(label, say.language), find_sign(scheme, label)
    return ScoreRow(name, f"{score:.2f}", _format_width(score), label in given, sign=sign)


def _format_width(part: float) -> str:
    return f"{100 * min(1.0, max(0.0, part)):.1f}"
