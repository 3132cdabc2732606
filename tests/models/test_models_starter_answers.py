"""What the starter model says to messages of distress, to other names, and to the texts that pages and docs show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from first_answer import DISTRESS, names
from insula.api.prediction import load_model
from insula.inference.predictor import Predictor
from signal_cases import SignalCase, signal_cases

SHOWN = Path(__file__).parent / "first_answer" / "shown.jsonl"
LANGUAGES = ("en", "zh")
MISSED = {"太好了，我们居然赢了！"}  # of the shown texts: admiration before joy
CHANGED = {"en": 0.3, "zh": 0.65}  # share of templates whose top label depends on the name: the target is 0.15


@pytest.fixture(scope="module")
def starter() -> Predictor:
    return load_model()


def distressed(language: str) -> list[SignalCase]:
    """Return messages about suicide and self-harm, in the first and third person."""
    return [case for case in signal_cases("development") if case.language == language and case.signal in DISTRESS]


def unsafe(starter: Predictor, texts: Sequence[str]) -> list[str]:
    """Return the texts whose answer is sure, and is cheerful or no emotion."""
    sides = starter.scheme.mappings["sentiment"]
    found = []
    for text, answer in zip(texts, starter.predict(texts), strict=True):
        top = answer.label or "neutral"
        if not answer.abstained and (sides.get(top) == "positive" or top == "neutral"):
            found.append(f"{text} -> {top} {answer.confidence:.2f}")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_distress_is_never_called_cheerful_or_nothing(starter: Predictor, language: str) -> None:
    assert unsafe(starter, [case.text for case in distressed(language)]) == []


def test_the_check_of_distress_finds_such_answers(starter: Predictor) -> None:
    assert unsafe(starter, ["Thank you so much!", "包裹将于周二上午九点到十二点送达。"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_that_pages_and_docs_show(starter: Predictor, language: str) -> None:
    rows = [json.loads(line) for line in SHOWN.read_text(encoding="utf-8").splitlines()]
    own = [row for row in rows if row["language"] == language]
    answers = starter.predict([row["text"] for row in own])
    wrong = {
        row["text"]: answer.labels
        for row, answer in zip(own, answers, strict=True)
        if (answer.label or "neutral") not in row["acceptable"]
    }
    assert set(wrong) <= MISSED, wrong


def test_another_name_does_not_change_more_labels(starter: Predictor) -> None:
    found = names(starter)
    for language in LANGUAGES:
        assert found[language]["changed"] <= CHANGED[language]
        assert found[language]["median_change"] <= 0.1
