"""Predictions as JSON rows of an answer."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from insula.core.levels import compute_level_predictions
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme

DIGITS = 6
MIN_SCORE = 1e-9  # of a probability whose logarithm is taken


def build_answers(
    scheme: LabelScheme, predictions: Sequence[Prediction], outputs: Collection[str], language: str
) -> list[dict[str, Any]]:
    """Return the requested outputs of each prediction, with the id and the language of its input, without its text."""
    return [_build_answer(scheme, prediction, outputs, language) for prediction in predictions]


def rank_labels(
    scheme: LabelScheme, prediction: Prediction, most: int | None, *, raw: bool = False
) -> list[dict[str, Any]]:
    """Return labels with scores in the shape of Hugging Face's servers, in the order of `Prediction.ranked`.

    raw  logits in place of probabilities: log-probabilities, or log-odds of a multi-label model

    Decided labels come first: clients take the first entry as the answer, and a threshold may decide for a label whose
    score is not the highest.
    """
    scores = _compute_logits(scheme, prediction.scores) if raw else prediction.scores
    return [{"label": label, "score": round(scores[label], DIGITS)} for label in prediction.ranked[:most]]


def _compute_logits(scheme: LabelScheme, scores: Mapping[str, float]) -> Mapping[str, float]:
    """Return logits whose softmax (sigmoid for a multi-label model) gives the scores; dimensions are unchanged."""
    if not scheme.is_categorical:
        return scores
    within = {label: min(max(score, MIN_SCORE), 1 - MIN_SCORE) for label, score in scores.items()}
    if scheme.kind == "multi":
        return {label: math.log(score / (1 - score)) for label, score in within.items()}
    return {label: math.log(score) for label, score in within.items()}


def _build_answer(
    scheme: LabelScheme, prediction: Prediction, outputs: Collection[str], language: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"abstained": prediction.abstained}
    if "labels" in outputs:
        row["labels"] = prediction.labels
        row["label"] = prediction.label
    if "scores" in outputs:
        row["scores"] = {name: round(score, DIGITS) for name, score in prediction.scores.items()}
    if "confidence" in outputs:
        row["confidence"] = None if prediction.confidence is None else round(prediction.confidence, DIGITS)
    if "levels" in outputs:
        row["levels"] = compute_level_predictions(scheme, prediction, DIGITS)
    if "display" in outputs:
        row["display"] = [scheme.display_name(label, language) for label in prediction.labels]
    if prediction.truncated:
        row["truncated"] = True
    if prediction.at_risk:
        row["at_risk"] = True
    if prediction.before is not None:
        row["rules"] = prediction.rules
        row["before"] = prediction.before.to_dict(DIGITS)
    if prediction.language is not None:
        row["language"] = prediction.language
    if prediction.id is not None:
        row["id"] = prediction.id
    return row
