"""The words behind the most confident mistakes of an evaluation, in its report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import insula
from insula.core.example import Example
from insula.data.formats.writers import open_writer
from insula.evaluation.result import Evaluation, Mistake
from insula.explanation.mistakes import MISTAKES, explain_mistakes
from insula.inference.predictor import Predictor


@pytest.fixture(scope="module")
def model(trained_run: Callable[..., Any]) -> Path:
    return Path(trained_run("linear", "single").path)


@pytest.fixture(scope="module")
def rows(toy_dataset: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows with wrong labels, so that each confident prediction is a mistake."""
    file = tmp_path_factory.mktemp("wrong") / "test.csv"
    with open_writer(file) as writer:
        writer.write([{"text": one.text, "label": _choose_wrong(one)} for one in toy_dataset("single").split("test")])
    return file


def _choose_wrong(example: Example) -> str:
    return "neutral" if example.labels != ("neutral",) else "positive"


def test_a_report_shows_the_words_behind_mistakes(model: Path, rows: Path, tmp_path: Path) -> None:
    found = insula.evaluate(rows, model, output=tmp_path / "out", resamples=10)
    assert found.document.test is not None
    mistakes = found.document.test.mistakes
    assert [one.why is not None for one in mistakes[: MISTAKES + 1]] == [True] * MISTAKES + [False]
    first = mistakes[0]
    assert first.why is not None
    assert (first.why.method, first.why.label) == ("exact", first.predicted[0])
    (explanation,) = insula.explain(first.text, model, labels=[first.why.label], faithfulness=False)
    assert [one.weight for one in first.why.words] == pytest.approx(explanation.weights[first.why.label], abs=1e-6)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Words behind 10 mistakes, explained by" in page
    assert '<mark class="for step-4">' in page


def test_without_a_report_nothing_is_explained(model: Path, rows: Path) -> None:
    found = insula.evaluate(rows, model, resamples=10)
    assert found.document.test is not None
    assert all(one.why is None for one in found.document.test.mistakes)


def test_what_is_too_long_or_unknown_is_left_out(model: Path) -> None:
    long, cut = "awful " * 101, f"awful {'a' * 400}"
    texts = [long, cut, "a wonderful day"]
    mistakes = [
        Mistake(text=text if len(text) <= 300 else f"{text[:299]}…", gold=["neutral"], predicted=[label])
        for text, label in zip(texts, ("negative", "negative", "unknown"), strict=True)
    ]
    found = explain_mistakes(Predictor.load(model), Evaluation(mistakes=mistakes), texts)
    assert found.mistakes[0].why is None
    assert found.mistakes[1].why is not None
    assert [(one.start, one.end) for one in found.mistakes[1].why.words] == [(0, 5)]
    assert found.mistakes[2].why is not None
    assert found.mistakes[2].why.label == "neutral"


def test_dimensions_explain_the_largest_error(trained_run: Callable[..., Any]) -> None:
    predictor = Predictor.load(trained_run("linear", "dimensional").path)
    names, text = predictor.scheme.names, "a wonderful day"
    gold = [0.0] * len(names)
    mistake = Mistake(text=text, gold=gold, predicted=[0.1] * (len(names) - 1) + [0.9])
    (found,) = explain_mistakes(predictor, Evaluation(mistakes=[mistake]), [text]).mistakes
    assert found.why is not None
    assert found.why.label == names[-1]
