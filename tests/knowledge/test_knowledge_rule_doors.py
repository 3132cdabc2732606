"""The rules of a model folder apply alike in Python, on the command line, in files and in the estimator."""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import insula
from insula.cli.app import app
from insula.core.errors import DataError
from insula.core.model_input import ModelInput
from insula.estimator import EmotionClassifier
from insula.models.folder import open_folder

RULES = """
[[rules]]
name = "sick is praise"
words = ["sick"]
where = {source = "skate"}
labels = ["joy"]

[[tests]]
text = "That trick was sick"
where = {source = "skate"}
applies = ["sick is praise"]
labels = ["joy"]

[[tests]]
text = "I feel sick"
applies = []
"""
TEXTS = ("That trick was sick", "I am not so happy", "that was sick")
TYPED = ("predict", TEXTS[0], "--attribute", "source=skate")
SOURCES = ("skate", "skate", "mail")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with one rule and two tests."""
    file = tmp_path_factory.mktemp("rules") / "rules.toml"
    file.write_text(RULES, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def run(rules: Path) -> Path:
    """A run whose model has the rules."""
    rows = [
        {"text": f"{word} {number}", "label": label}
        for number in range(40)
        for word, label in (("so happy", "joy"), ("so sick", "disgust"), ("so angry", "anger"))
    ]
    file = rules.parent / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder = rules.parent / "run"
    insula.train(str(file), recipe="linear", overrides={"rules.file": str(rules)}, output=folder)
    return folder


def test_every_door_says_the_same(run: Path, rules: Path, tmp_path: Path) -> None:
    inputs = [ModelInput(text, attributes={"source": one}) for text, one in zip(TEXTS, SOURCES, strict=True)]
    wanted = [one.to_dict() for one in insula.predict(inputs, run)]
    assert wanted[0]["label"] == "joy"
    assert wanted[0]["rules"] == ["sick is praise"]
    assert wanted[0]["before"]["labels"] == ["disgust"]
    assert all("rules" not in row for row in wanted[1:])
    said = CliRunner().invoke(app, [*TYPED, "-m", str(run), "--json"])
    assert json.loads(said.stdout) == wanted[0]
    plain = CliRunner().invoke(app, [*TYPED, "-m", str(run)])
    assert "changed by sick is praise; before: disgust" in plain.stdout
    plain = CliRunner().invoke(app, [*TYPED, "-m", str(run), "--display-language", "zh"])
    assert "规则 sick is praise 改变了结果；改变之前：厌恶" in plain.stdout
    lines = "".join(f"{text},{source}\n" for text, source in zip(TEXTS, SOURCES, strict=True))
    (tmp_path / "in.csv").write_text(f"text,source\n{lines}", encoding="utf-8")
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        insula.predict_file(tmp_path / "in.csv", tmp_path / name, run)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["label"] for row in rows] == [row["label"] for row in wanted]
    assert [(row["rules"], row["before"]) for row in rows][:2] == [(["sick is praise"], ["disgust"]), ([], None)]
    cells = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert (cells[0]["label"], cells[0]["rules"], cells[0]["before"]) == ("joy", "sick is praise", "disgust")
    assert pq.read_table(tmp_path / "out.parquet").to_pylist()[0]["before"] == ["disgust"]
    (explained,) = insula.explain([inputs[0]], run)
    assert explained.prediction.rule_sentence == "changed by sick is praise; before: disgust"
    (word,) = [word for word in explained.words if word.text == "sick"]
    assert [str(note) for note in word.notes] == ["rule sick is praise"]


def test_the_estimator_has_the_rules(rules: Path) -> None:
    texts, labels = ["so happy", "so sick", "so angry"] * 20, ["joy", "disgust", "anger"] * 20
    settings = {"rules.file": str(rules)}
    estimator = EmotionClassifier("linear", settings=settings).fit(texts, labels)
    estimator = pickle.loads(pickle.dumps(estimator))
    given = [ModelInput(TEXTS[0], attributes={"source": one}) for one in SOURCES[1:]]
    assert list(estimator.predict(given)) == ["joy", "disgust"]


def test_the_figures_are_those_with_rules(tmp_path: Path) -> None:
    rows = "".join(f"so happy {number},joy\nso sick {number},disgust\n" for number in range(40))
    (tmp_path / "rows.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    text = '[[rules]]\nname = "never"\nwords = ["sick"]\nlabels = ["joy"]\n'
    (tmp_path / "rules.toml").write_text(text, encoding="utf-8")
    rules = {"rules.file": str(tmp_path / "rules.toml")}
    run = insula.train(str(tmp_path / "rows.csv"), recipe="linear", overrides=rules, output=tmp_path / "run")
    assert run.metrics["test"]["metrics"]["accuracy"]["value"] < 0.8  # without the rule it is 1
    found = insula.evaluate(str(tmp_path / "rows.csv"), tmp_path / "run", resamples=100)
    assert found.metrics["test"]["metrics"]["accuracy"]["value"] == 0.5


def test_a_folder_with_rules_has_the_newer_format(run: Path) -> None:
    assert json.loads((run / "model" / "manifest.json").read_text(encoding="utf-8"))["format_version"] == 2
    assert open_folder(run / "model").rules is not None


def test_rules_are_checked_and_tried(run: Path, rules: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["rules", "check", str(rules)])
    assert done.exit_code == 0, done.output
    assert "1 rule; 1 of 2 tests passed" in done.stdout
    done = CliRunner().invoke(app, ["rules", "check", str(rules), "-m", str(run)])
    assert "1 rule; 2 of 2 tests passed" in done.stdout
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(RULES.replace("applies = []", 'applies = ["sick is praise"]'), encoding="utf-8")
    done = CliRunner().invoke(app, ["rules", "check", str(wrong)])
    assert done.exit_code == 1
    assert "FAILED 'I feel sick': The rules that apply must be sick is praise. Got none." in done.stdout
    before, _, after = RULES.rpartition('labels = ["joy"]')
    wrong.write_text(before + 'labels = ["anger"]' + after, encoding="utf-8")
    done = CliRunner().invoke(app, ["rules", "check", str(wrong), "-m", str(run)])
    assert done.exit_code == 1
    assert "FAILED 'That trick was sick': The labels must be anger. Got joy." in done.stdout
    assert "1 of 2 tests passed" in done.stdout
    wrong.write_text(RULES.partition("[[tests]]")[0], encoding="utf-8")
    done = CliRunner().invoke(app, ["rules", "check", str(wrong), "-m", str(run)])
    assert (done.exit_code, done.stdout) == (0, "1 rule; 0 of 0 tests passed.\n")
    wrong.write_text(RULES.replace('labels = ["joy"]', 'labels = ["joyful"]'), encoding="utf-8")
    with pytest.raises(DataError, match=r"must be labels of the model: anger, disgust, joy\. Got 'joyful'"):
        insula.load_model(run, rules=wrong)
