"""A model is measured on rows with other labels than its own: at a level of its scheme, or by a map."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import insula
from insula.cli.app import app
from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.decision import DecisionRule
from insula.core.errors import DataError, InsulaError, MissingFileError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.evaluation.label_map import LabelMap

REVIEWS = [
    ("I love it, thank you so much!", "positive"), ("Great job, well done", "positive"),
    ("So happy with this", "positive"), ("This is wonderful, thanks", "positive"),
    ("I hate this, it makes me furious", "negative"), ("So sad and disappointed", "negative"),
    ("That is disgusting", "negative"), ("I am scared and angry", "negative"),
]  # fmt: skip
MAP = {"positive": ["joy", "love", "gratitude", "admiration"], "negative": ["anger", "sadness", "disgust", "fear"]}


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    file = tmp_path / "reviews.jsonl"
    file.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in REVIEWS))
    return file


def test_a_level_of_the_model_is_measured(reviews: Path) -> None:
    found = insula.evaluate(reviews, "starter", level="sentiment", resamples=100)
    test = found.metrics["test"]
    assert (test["rows"], test["labels"], test["kind"]) == (8, ["positive", "negative"], "single")
    assert test["metrics"]["macro_f1"]["value"] > 0.7
    words = " ".join(found.notes)
    assert "mean over the 2 labels that the rows have: positive, negative. No row has" in words
    assert "ambiguous" in words
    assert "neutral" in words
    assert found.metrics["scheme"]["names"] == ["positive", "negative"]
    assert "joy" in found.metrics["data"]["label_map"]["positive"]


def test_a_map_is_a_dictionary_or_a_file(reviews: Path, tmp_path: Path) -> None:
    by_table = insula.evaluate(reviews, "starter", label_map=MAP, resamples=50).metrics
    file = tmp_path / "map.toml"
    file.write_text("".join(f"{label} = {json.dumps(several)}\n" for label, several in MAP.items()))
    by_file = insula.evaluate(reviews, "starter", label_map=file, resamples=50, output=tmp_path / "out").metrics
    assert by_table["test"]["metrics"] == by_file["test"]["metrics"]
    assert by_file["data"]["label_map"] == MAP
    assert "labels that the rows have" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    result = CliRunner().invoke(app, ["evaluate", str(reviews), "--map", str(file), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["test"]["metrics"] != {}


def test_baselines_are_measured_on_the_same_labels(
    tmp_path: Path, trained_run: Callable[..., Any], toy_dataset: Callable[..., Any]
) -> None:
    rows = [one for one in toy_dataset("single").split("test") if one.labels != ("neutral",)]
    file = tmp_path / "polar.jsonl"
    named = {"positive": "good", "negative": "bad"}
    file.write_text("".join(json.dumps({"text": one.text, "label": named[one.labels[0]]}) + "\n" for one in rows))
    table = {"good": "positive", "bad": ["negative"], "middle": "neutral"}
    found = insula.evaluate(file, trained_run("encoder", "single").path, label_map=table, resamples=100).metrics
    assert found["test"]["labels"] == ["good", "bad"]
    assert found["test"]["metrics"]["accuracy"]["value"] > 0.9
    assert set(found["baselines"]) == {"majority", "linear"}
    assert found["baselines"]["majority"]["metrics"]["macro_f1"]["value"] == pytest.approx(1 / 3, abs=0.1)


def test_the_decision_of_the_model_comes_first() -> None:
    scheme = LabelScheme("three", "single", ("calm", "glad", "sour"))
    rule = DecisionRule(offsets=(0.0, -5.0, 0.0))  # decides against `glad`, whose score is the highest
    examples = [Example(text=str(row), labels=(("up", "down")[row % 2],)) for row in range(2)]
    mapped = LabelMap.of({"up": "glad", "down": "sour"}, scheme).map_rows(examples)
    decided = rule.decide(scheme, np.array([[0.0, 1.0, 0.5], [3.0, 2.0, 1.0]]))
    assert decided.chosen.argmax(axis=1).tolist() == [2, 0]
    assert mapped.map_decisions(decided).chosen.tolist() == [[False, True], [True, False]]  # calm is none of them: glad
    assert "(1 of 2 rows)" in mapped.list_notes(decided)[-1]


def test_rows_with_sets_of_labels_are_measured_as_sets() -> None:
    scheme = get_builtin_scheme("goemotions")
    examples = [Example(text="a", labels=("positive", "negative")), Example(text="b", labels=())]
    mapped = LabelMap.of_level(scheme, "sentiment").map_rows(examples)
    assert (mapped.scheme.kind, mapped.scheme.names) == ("multi", ("positive", "negative"))
    logits = np.full((2, 28), -4.0)
    logits[0, [scheme.index("joy"), scheme.index("anger")]] = 4.0
    assert mapped.map_decisions(DecisionRule().decide(scheme, logits)).chosen.tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"level": "sentimnt"}, DataError, "Did you mean 'sentiment'"),
        ({"label_map": {"positive": ["jooy"]}}, DataError, "must map to labels of the model.*Did you mean 'joy'"),
        ({"label_map": {"positive": 3}}, DataError, "Got 3 for 'positive'"),
        ({"label_map": {}}, DataError, "at least one label"),
        ({"label_map": {"positive": "joy"}}, DataError, "at least two labels of the map"),
        ({"label_map": "nowhere.toml"}, MissingFileError, "does not exist"),
        ({"label_map": MAP, "level": "sentiment"}, DataError, "Got both"),
    ],
)
def test_a_wrong_map_is_explained(reviews: Path, options: dict[str, Any], error: type[InsulaError], words: str) -> None:
    with pytest.raises(error, match=words):
        insula.evaluate(reviews, "starter", **options)


def test_a_broken_map_file_is_explained(reviews: Path, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text("positive: joy")
    with pytest.raises(DataError, match=r"map\.toml.*cannot be read"):
        insula.evaluate(reviews, "starter", label_map=tmp_path / "map.toml")


def test_values_have_no_label_map(tmp_path: Path, trained_run: Callable[..., Any], reviews: Path) -> None:
    with pytest.raises(DataError, match="dimensional"):
        insula.evaluate(reviews, trained_run("linear", "dimensional").path, label_map=MAP)
