"""Counterfactuals: small edits that change the labels of a text, and edits of the same size that do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import insula
from insula.cli.app import app
from insula.core.errors import DataError
from insula.explanation.edits import Edit, apply_edits, propose_edits
from insula.explanation.masked_predictor import Word
from insula.inference.predictor import Predictor
from insula.knowledge.opposites import find_opposites
from insula.text.word_spans import find_word_spans


def edited(text: str) -> dict[str, str]:
    """Return each text after one edit, with the kind of the edit."""
    words = [Word(text[start:end], start, end) for start, end in find_word_spans(text)]
    return {apply_edits(text, [edit]): edit.kind for edit in propose_edits(text, words)}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A model that tells good from bad in both languages."""
    folder = tmp_path_factory.mktemp("opposites")
    words = [("good", "positive"), ("bad", "negative"), ("开心", "positive"), ("难过", "negative")]
    rows = "".join(f"it was {word} {number},{label}\n" for number in range(30) for word, label in words)
    (folder / "rows.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    insula.train(str(folder / "rows.csv"), recipe="linear", output=folder / "run")
    return Predictor.load(folder / "run")


@pytest.mark.parametrize(
    ("text", "after", "kind"),
    [
        ("It was Good", "It was Bad", "opposite"),
        ("It was good", "It was not good", "negation"),
        ("It is n't good", "It is good", "negation"),
        ("I can't wait", "I can wait", "negation"),
        ("Can't wait", "Can wait", "negation"),
        ("Nobody came", "Everybody came", "negation"),
        ("never again", "again", "negation"),
        ("so very good", "very good", "deletion"),
        ("我很开心", "我不开心", "negation"),
        ("我很开心", "我很难过", "opposite"),
        ("这里没有服务", "这里有服务", "negation"),
    ],
)
def test_edits_of_both_languages(text: str, after: str, kind: str) -> None:
    assert edited(text)[after] == kind


def test_edits_that_look_like_negation_are_not_made() -> None:
    assert "服务错" not in edited("服务不错")
    assert "但不是很远" not in edited("但是很远")


@pytest.mark.parametrize("text", ["I can't wait", "I can’t wait", "it is n't bad", "it could n't be worse"])
def test_a_contraction_is_not_negated_again(text: str) -> None:
    assert not [after for after in edited(text) if " not" in after]


def test_an_edit_never_empties_a_text() -> None:
    assert edited("Hm") == {}
    assert all(edited("not").keys())


def test_edits_of_several_places_are_applied_at_once() -> None:
    edits = [Edit("opposite", 0, 4, "bad", 1), Edit("deletion", 9, 15, "", 1)]
    assert apply_edits("good but slowly", edits) == "bad but"
    assert edits[0].overlaps(Edit("deletion", 3, 6, "", 1))
    assert not edits[0].overlaps(edits[1])


def test_opposites_go_both_ways_and_keep_the_case() -> None:
    assert find_opposites("GOOD")[0] == "BAD"
    assert all(word in find_opposites(other) for word in ("good", "happy", "开心") for other in find_opposites(word))
    assert find_opposites("table") == ()


@pytest.mark.parametrize(
    ("text", "label", "after"),
    [
        ("it was good", "negative", "it was bad"),
        ("it was bad", "positive", "it was good"),
        ("it was 开心", "negative", "it was 难过"),
    ],
)
def test_the_smallest_edit_changes_the_label(model: Predictor, text: str, label: str, after: str) -> None:
    (found,) = insula.find_counterfactuals(text, model)
    assert found.valid
    assert found.changed is not None
    assert (found.changed.text, found.changed.words, found.changed.prediction.label) == (after, 1, label)
    assert model.predict([after])[0].label == label
    assert found.kept is not None
    assert found.kept.words == 1
    assert found.kept.prediction.label == found.prediction.label != label


def test_several_places_change_together(model: Predictor) -> None:
    (found,) = insula.find_counterfactuals("good good good bad", model)
    assert found.valid
    assert found.changed is not None
    assert found.changed.words == len(found.changed.edits) > 1
    assert found.changed.prediction.label == "negative"
    assert apply_edits("good good good bad", found.changed.edits) == found.changed.text


def test_a_text_that_keeps_its_label_says_so(model: Predictor) -> None:
    (found,) = insula.find_counterfactuals("good " * 40, model)
    assert not found.valid
    assert found.changed is not None
    assert found.changed.prediction.label == "positive"
    assert found.kept is None
    done = CliRunner().invoke(app, ["explain", "good " * 40, "-m", str(model.folder), "--counterfactual"])
    assert "stays positive" in done.stdout
    (nothing,) = insula.find_counterfactuals("Hm", model)
    assert (nothing.changed, nothing.valid) == (None, False)


def test_a_text_of_three_thousand_words(model: Predictor) -> None:
    (found,) = insula.find_counterfactuals("good table not " * 1_000, model)
    assert found.evaluations < 1_000


def test_the_command_line_shows_both_edits(model: Predictor) -> None:
    command = ["explain", "it was good", "-m", str(model.folder), "--counterfactual"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "it was [-good+bad]" in done.stdout
    assert "with 1 word changed" in done.stdout
    row = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert (row["valid"], row["changed"]["words"], row["changed"]["edits"][0]["kind"]) == (True, 1, "opposite")
    wrong = CliRunner().invoke(app, [*command, "--for", "positive"])
    assert wrong.exit_code == 2
    assert "--counterfactual searches for edits" in wrong.stderr


def test_a_file_gets_an_edit_for_each_row(model: Predictor, tmp_path: Path) -> None:
    texts = ["it was good", "", "it was bad", "good " * 40]
    rows = "".join(json.dumps({"text": text, "label": "mine"}) + "\n" for text in texts)
    (tmp_path / "in.jsonl").write_text(rows, encoding="utf-8")
    command = ["explain", "-i", str(tmp_path / "in.jsonl"), "-m", str(model.folder), "--counterfactual"]
    done = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "out.jsonl")])
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["label"], row["counterfactual_text"]) for row in found] == [
        ("positive", "it was bad"),
        ("negative", "it was good"),
        ("positive", None),
    ]
    assert found[0]["input_label"] == "mine"
    (alone,) = insula.find_counterfactuals("it was good", model)
    whole = alone.to_dict()
    del whole["milliseconds"], whole["prediction"]
    assert found[0]["counterfactual"] == whole
    table = insula.explain_file(tmp_path / "in.jsonl", tmp_path / "out.parquet", model, counterfactual=True)
    assert (table.rows, table.rejected) == (3, 1)


def test_a_model_of_values_has_no_counterfactual(tmp_path: Path) -> None:
    rows = "".join(f"good {number},{number % 5}.5\nbad {number},0.{number % 5}\n" for number in range(30))
    (tmp_path / "rows.csv").write_text(f"text,valence\n{rows}", encoding="utf-8")
    insula.train(str(tmp_path / "rows.csv"), label="valence", recipe="linear", output=tmp_path / "run")
    with pytest.raises(DataError, match="needs a model that predicts labels"):
        insula.find_counterfactuals("good", tmp_path / "run")
