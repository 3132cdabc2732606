"""A file of twenty rules: its own tests pass, and it changes exactly the texts it should in every door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import insula
from insula.cli.app import app
from insula.core.model_input import ModelInput
from insula.core.prediction import Prediction
from insula.inference.predictor import Predictor
from insula.knowledge.rule_file import RuleTest, read_rules

FILE = Path(__file__).with_name("twenty_rules.toml")
RULES = read_rules(FILE)
COLUMNS = ("source", "status", "channel")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without rules, with the labels positive and negative."""
    folder = tmp_path_factory.mktemp("twenty")
    rows = "".join(f"good {number},positive\nbad {number},negative\n" for number in range(40))
    (folder / "rows.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    insula.train(str(folder / "rows.csv"), recipe="linear", output=folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def ruled(run: Path) -> Predictor:
    """The same model with the rules."""
    return insula.load_model(run, rules=FILE)


def as_input(test: RuleTest) -> ModelInput:
    return ModelInput(test.text, language=test.language, attributes=test.where)


def changes(predictions: list[Prediction]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(one.labels, one.rules) for one in predictions]


def test_its_own_tests_pass(run: Path) -> None:
    assert len(RULES.rules) == 20
    tried = {name for test in RULES.tests for name in test.applies or ()}
    assert tried == {rule.name for rule in RULES.rules}
    found = insula.check_rules(FILE, run)
    assert (found.tests, found.open, found.failed) == (len(RULES.tests), 0, ())
    done = CliRunner().invoke(app, ["rules", "check", str(FILE), "-m", str(run)])
    assert f"20 rules; {len(RULES.tests)} of {len(RULES.tests)} tests passed" in done.stdout


def test_it_changes_the_texts_it_should_and_no_others(run: Path, ruled: Predictor) -> None:
    inputs = [as_input(test) for test in RULES.tests]
    plain, after = insula.predict(inputs, run), insula.predict(inputs, ruled)
    for test, old, new in zip(RULES.tests, plain, after, strict=True):
        assert set(new.rules) <= set(test.applies or ())
        if new.rules:
            assert new.before is not None
            assert (new.before.labels, new.before.scores) == (old.labels, old.scores)
        else:
            assert new == old
        if test.labels is not None and set(test.labels) != set(old.labels):
            assert new.rules, f"{test.text} was changed, but no rule is named"
    assert 10 <= sum(bool(one.rules) for one in after) < len(inputs)


def test_files_and_commands_change_the_same_texts(run: Path, ruled: Predictor, tmp_path: Path) -> None:
    inputs = [as_input(test) for test in RULES.tests]
    wanted = changes(insula.predict(inputs, ruled))
    rows = [
        {"text": one.text, "language": one.language} | {name: one.attributes.get(name) for name in COLUMNS}
        for one in inputs
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = [
        "predict",
        "-i",
        str(tmp_path / "in.jsonl"),
        "-o",
        str(tmp_path / "out.jsonl"),
        "-m",
        str(run),
        "--quiet",
    ]
    done = CliRunner().invoke(app, [*command, "--rules", str(FILE)])
    assert done.exit_code == 0, done.output
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(tuple(row["labels"]), tuple(row["rules"])) for row in written] == wanted
    explained = insula.explain(inputs, ruled, faithfulness=False)
    assert changes([one.prediction for one in explained]) == wanted
