"""Explanations of other tools: aligned with the text, and scored like insula's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import insula
from insula.cli.app import app
from insula.core.errors import DataError
from insula.explanation.alignment import align_words
from insula.inference.predictor import Predictor

TEXT = "I'm so GLAD you came, 真的开心 !!"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A model that tells good from bad."""
    folder = tmp_path_factory.mktemp("scored")
    rows = "".join(f"it was good {number},positive\nit was bad {number},negative\n" for number in range(30))
    (folder / "rows.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    insula.train(str(folder / "rows.csv"), recipe="linear", output=folder / "run")
    return Predictor.load(folder / "run")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["I'm", "so", "GLAD", "you"], ["I'm", "so", "GLAD", "you"]),
        (["[CLS]", "i", "'", "m", "so", "gl", "##ad", "[SEP]"], ["I", "'", "m", "so", "GL", "AD"]),
        (["▁so", "▁gla", "d", "</s>"], ["so", "GLA", "D"]),
        (["Ġso", "ĠGLAD"], ["so", "GLAD"]),
        (["真的", "开心"], ["真的", "开心"]),
        ([[4, 6], [7, 11]], ["so", "GLAD"]),
        ([{"start": 7, "end": 11}, {"start": 4, "end": 6, "text": "so"}], ["so", "GLAD"]),
    ],
)
def test_words_of_other_tools_are_found(words: list[Any], found: list[str]) -> None:
    aligned = align_words(TEXT, words)
    assert [word.text for word in aligned.kept] == found
    assert all(TEXT[word.start : word.end] == word.text for word in aligned.kept)
    assert aligned.count == len(words)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["so", "sad"], "The word 'sad' (number 2) is not in the text after character 6"),
        (["you", "so"], "The word 'so' (number 2) is not in the text"),
        ([[4, 99]], "Word 1 must be a string"),
        ([[0, 4], [2, 6]], "Words must not overlap"),
        ([{"start": 4, "end": 6, "text": "no"}], "Word 1 must be characters 4 to 6 of the text, 'so'"),
        (["[CLS]"], "At least one word must be in the text"),
        ("so", "The words must be a list"),
        ([7], "Word 1 must be a string"),
    ],
)
def test_words_that_are_not_there_are_one_sentence(words: Any, error: str) -> None:
    with pytest.raises(DataError) as raised:
        align_words(TEXT, words)
    assert error in str(raised.value)


def test_good_weights_score_better_than_bad_ones(model: Predictor) -> None:
    text = "we said it was good for a table and a chair"
    words = text.split()
    good = [1.0 if word == "good" else 0.0 for word in words]
    found = insula.score_explanations(
        [
            {"text": text, "words": words, "weights": good, "label": "positive"},
            {"text": text, "words": words, "weights": [-one for one in good], "label": "positive"},
            {"text": text, "words": words, "weights": {"positive": good}},
        ],
        model,
    )
    first, second, third = found.rows
    assert first.own.comprehensiveness > second.own.comprehensiveness + 0.1
    assert first.own.sufficiency < second.own.sufficiency - 0.1
    assert first.own == third.own
    assert first.agreement is not None
    assert first.own.comprehensiveness >= first.random.comprehensiveness
    assert found.own.sufficiency == pytest.approx(sum(row.own.sufficiency for row in found.rows) / 3)


def test_own_explanations_have_their_own_figures(model: Predictor, tmp_path: Path) -> None:
    """A file that insula wrote gets the measures of faithfulness that are in it."""
    (tmp_path / "in.csv").write_text("text\nit was not so good at all\n今天 was bad for us!\n", encoding="utf-8")
    insula.explain_file(tmp_path / "in.csv", tmp_path / "why.jsonl", model, method="occlusion")
    rows = [json.loads(line) for line in (tmp_path / "why.jsonl").read_text(encoding="utf-8").splitlines()]
    found = insula.score_explanations(tmp_path / "why.jsonl", model)
    assert len(found.rows) == 2
    for row, scored in zip(rows, found.rows, strict=True):
        measures = row["explanation"]["faithfulness"][scored.label]
        assert scored.own.comprehensiveness == pytest.approx(measures["comprehensiveness"], abs=1e-5)
        assert scored.own.sufficiency == pytest.approx(measures["sufficiency"], abs=1e-5)
        assert scored.agreement == pytest.approx(1.0)


def test_scores_on_the_command_line(model: Predictor, tmp_path: Path) -> None:
    file = tmp_path / "theirs.jsonl"
    row = {"text": "it was good", "words": ["it", "was", "good"], "weights": [0, 0.1, 2], "label": "positive"}
    file.write_text(json.dumps(row), encoding="utf-8")
    command = ["explain", "--score", str(file), "-m", str(model.folder)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[1:]] == [
        "these explanations",
        "occlusion",
        "random",
    ]
    document = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert (document["explanations"], document["rows"][0]["words"]) == (1, 3)
    wrong = CliRunner().invoke(app, [*command, "--for", "positive"])
    assert wrong.exit_code == 2
    assert "--score reads explanations from its file" in wrong.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": [1.0]}, "one number for each of the 3 words. Got 1"),
        ({"weights": [1, 2, "x"]}, "The weights must be finite numbers"),
        ({"label": "positiv"}, "Did you mean 'positive'"),
        ({"words": None}, "Got one without words"),
        ({"words": ["it", "is", "good"]}, "The word 'is' (number 2) is not in the text"),
    ],
)
def test_wrong_rows_name_their_line(model: Predictor, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    row = {"text": "it was good", "words": ["it", "was", "good"], "weights": [0, 0.1, 2], "label": "positive"}
    lines = [json.dumps(row), json.dumps(row | change)]
    (tmp_path / "theirs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match="line 2") as raised:
        insula.score_explanations(tmp_path / "theirs.jsonl", model)
    assert words in str(raised.value)
