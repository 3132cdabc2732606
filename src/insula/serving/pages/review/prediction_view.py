"""View models of stored predictions: a line of the list, and the page of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.operations.store.review import Correction, ReviewedPrediction
from insula.serving.pages.answer_view import ScoreRow, build_answer_view
from insula.serving.pages.model_view import list_labels
from insula.serving.pages.words import Translator

SHOWN = 160  # characters of a text in the list


@dataclass(frozen=True)
class PredictionLine:
    """A prediction in the list.

    decision   the labels, or that the model was not sure
    facts      when, which model, who asked, and so on
    corrected  the labels of the newest correction, None without one
    """

    id: str
    decision: str
    confidence: str
    text: str
    facts: Sequence[str]
    corrected: str | None


@dataclass(frozen=True)
class PredictionView:
    """A prediction with everything that is stored of it.

    choices      labels to correct it with: name, display name, sign; empty if it has none
    is_multi     whether several of them may be right
    corrections  sentences, the newest first
    """

    line: PredictionLine
    turns: Sequence[tuple[str, str]]
    speaker: str
    text: str
    no_text: str
    facts: Sequence[tuple[str, str]]
    rows: Sequence[ScoreRow]
    choices: Sequence[tuple[str, str, str]]
    is_multi: bool
    corrections: Sequence[str]


def build_prediction_line(
    one: ReviewedPrediction, schemes: Mapping[str, LabelScheme], names: Mapping[str, str], say: Translator
) -> PredictionLine:
    """Return the line of a prediction.

    schemes  the label schemes of the served models
    names    caller ids to names of keys
    """
    scheme = _find_scheme(one, schemes)
    labels = _name_labels(one.labels, scheme, say)
    text = " ".join((one.text or say("review_no_text")).split())
    given = say("review_unsure", labels=labels) if one.abstained else labels
    facts = (say.format_time(one.created), one.model, names.get(one.caller, one.caller), one.language or "")
    return PredictionLine(
        id=one.id,
        decision=given,
        confidence="" if one.confidence is None else say("review_confidence", share=say.format_share(one.confidence)),
        text=text if len(text) <= SHOWN else f"{text[:SHOWN].rstrip()}…",
        facts=[fact for fact in facts if fact],
        corrected=_name_labels(one.feedback[0].labels, scheme, say) if one.feedback else None,
    )


def build_prediction_view(
    one: ReviewedPrediction, schemes: Mapping[str, LabelScheme], names: Mapping[str, str], say: Translator
) -> PredictionView:
    """Return the view of a prediction, as `build_prediction_line` does."""
    scheme = _find_scheme(one, schemes)
    line = build_prediction_line(one, schemes, names, say)
    facts = {
        "review_id": one.id,
        "review_time": say.format_time(one.created),
        "review_deleted": say.format_time(one.delete_after),
        "model": one.model,
        "review_caller": names.get(one.caller, one.caller),
        "review_language": one.language or "",
        "target": one.target or "",
    }
    choices = [(label, label, "") for label in one.scores] if scheme is None else list_labels(scheme, say)
    return PredictionView(
        line=line,
        turns=[(_format_speaker(turn.get("speaker"), say), turn.get("text", "")) for turn in one.turns],
        speaker=_format_speaker(one.speaker, say),
        text=one.text or "",
        no_text="" if one.text else say("review_no_text"),
        facts=[(say(name), value) for name, value in facts.items() if value],
        rows=_build_rows(one, scheme, say),
        choices=choices if scheme is None or scheme.is_categorical else [],
        is_multi=scheme is None or scheme.kind == "multi",
        corrections=[_describe_correction(said, scheme, names, say) for said in one.feedback],
    )


def _find_scheme(one: ReviewedPrediction, schemes: Mapping[str, LabelScheme]) -> LabelScheme | None:
    """Return the scheme of the model, None if the model that is served now has other labels, or none is."""
    scheme = schemes.get(one.model)
    return scheme if scheme is not None and set(scheme.names) == set(one.scores) else None


def _name_labels(labels: Sequence[str], scheme: LabelScheme | None, say: Translator) -> str:
    if not labels:
        return say("review_no_label")
    return say("comma").join(
        label if scheme is None or label not in scheme.names else scheme.display_name(label, say.language)
        for label in labels
    )


def _build_rows(one: ReviewedPrediction, scheme: LabelScheme | None, say: Translator) -> list[ScoreRow]:
    if scheme is None:
        return [
            ScoreRow(label, f"{score:.2f}", f"{100 * min(1.0, max(0.0, score)):.1f}", label in one.labels)
            for label, score in sorted(one.scores.items(), key=lambda item: -item[1])
        ]
    labels = tuple(one.labels)
    prediction = Prediction(
        text=one.text or "",
        labels=labels,
        label=labels[0] if labels else None,
        scores=one.scores,
        confidence=one.confidence,
        abstained=one.abstained,
    )
    return build_answer_view(scheme, prediction, say).rows


def _format_speaker(speaker: str | None, say: Translator) -> str:
    return say("case_speaker", speaker=speaker) if speaker else ""


def _describe_correction(
    said: Correction, scheme: LabelScheme | None, names: Mapping[str, str], say: Translator
) -> str:
    return say(
        "review_corrected_by",
        labels=_name_labels(said.labels, scheme, say),
        time=say.format_time(said.created),
        caller=names.get(said.caller, said.caller),
    )
