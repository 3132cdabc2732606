"""View model of a prediction: the decision as a sentence, scores as bars, those of decided labels first."""

from __future__ import annotations

from dataclasses import dataclass

from insula.core.model_input import ModelInput
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.serving.pages.words import Speech
from insula.text.context import Context

SHOWN = 6


@dataclass(frozen=True)
class ScoreRow:
    """One label: its display name, its score, the length of its bar (0 to 100), and whether it was predicted."""

    name: str
    score: str
    bar: str
    given: bool
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """The answer to one text.

    decision    the sentence that a screen reader reads first
    confidence  the confidence as a sentence, empty if the model has none
    rows        all predicted labels, then the largest other scores
    all_rows    every label, in the order of the scheme; empty if `rows` has them all
    """

    decision: str
    abstained: bool
    lean: str
    confidence: str
    rows: list[ScoreRow]
    all_rows: list[ScoreRow]


def answer_view(scheme: LabelScheme, prediction: Prediction, say: Speech) -> Answer:
    """Return the view of a prediction in a language."""
    rows = {name: _row(scheme, prediction, name, say) for name in prediction.scores}
    if not scheme.is_categorical:
        return Answer(say("says_values"), False, "", "", list(rows.values()), [])
    names = [scheme.display_name(label, say.language) for label in prediction.labels]
    labels = say("comma").join(names)
    shown = [rows[name] for place, name in enumerate(prediction.ranked) if place < SHOWN or rows[name].given]
    if prediction.abstained:
        decision, lean = say("unsure"), say("unsure_lean", labels=labels) if names else say("unsure_none")
    else:
        decision, lean = say("says", labels=labels) if names else say("says_none"), ""
    sure = prediction.confidence
    return Answer(
        decision=decision,
        abstained=prediction.abstained,
        lean=lean,
        confidence="" if sure is None else say("confidence", share=say.share(sure)),
        rows=shown,
        all_rows=list(rows.values()) if len(rows) > len(shown) else [],
    )


def context_notes(given: ModelInput, context: Context, say: Speech) -> list[str]:
    """Return notes on which turns and target the model read or ignored."""
    notes = []
    if given.turns:
        read = min(len(given.turns), context.turns)
        notes.append(say("turns_read", count=read, all=len(given.turns)) if read else say("turns_unread"))
    if given.target is not None:
        notes.append(say("target_read", target=given.target) if context.target else say("target_unread"))
    return notes


def _row(scheme: LabelScheme, prediction: Prediction, label: str, say: Speech) -> ScoreRow:
    name, score = scheme.display_name(label, say.language), prediction.scores[label]
    note = ""
    low, high = 0.0, 1.0
    if not scheme.is_categorical:
        low, high = scheme.ranges[label]
        note = say("range", low=f"{low:g}", high=f"{high:g}")
    part = (score - low) / (high - low) if high > low else 0.0
    bar = f"{100 * min(1.0, max(0.0, part)):.1f}"
    return ScoreRow(name, f"{score:.2f}".replace("-", "−"), bar, label in prediction.labels, note)
