"""One dialogue, one answer: in Python, on the command line, from files; and evaluated as it was trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import insula
import toy_data
from insula import DataOptions, ModelInput, Turn
from insula.cli.app import app
from insula.core.errors import DataError
from insula.core.model_input import build_dialogue_inputs
from insula.data.formats.writers import open_writer

LINEAR = {"model.name": "linear", "evaluation.resamples": 100, "evaluation.baselines": []}
SPEAKERS = ("Ann", "Bo")
TELLING = {word for words in toy_data.LABEL_WORDS for word in words}


def chats(count: int = 120, *, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of dialogues whose label depends on words of the turn before; the label of the first turn is unknown."""
    examples = toy_data.toy_dataset("single", train=count, validation=0, test=0, seed=seed).split("train")
    rows = []
    for number, example in enumerate(examples):
        telling = [word for word in example.text.split() if word in TELLING]
        rest = [word for word in example.text.split() if word not in telling]
        said = (" ".join(telling) + f" q{seed} {number}", " ".join(rest) + f" a{seed} {number}")
        for turn, (text, label) in enumerate(zip(said, ("", example.labels[0]), strict=True)):  # type: ignore[index]
            rows.append({"chat": number, "nr": turn, "who": SPEAKERS[turn], "text": text, "label": label})
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with open_writer(path) as writer:
        writer.write(rows)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear run on dialogues, which reads one earlier turn."""
    folder = tmp_path_factory.mktemp("chats")
    options = {"data.dialogue": "chat", "data.turn": "nr", "data.speaker": "who", "preparation.context_turns": 1}
    run = insula.train(
        write(folder / "train.csv", chats()), recipe="linear", overrides={**LINEAR, **options}, output=folder / "run"
    )
    return run.path


def from_command_line(*arguments: str | Path, stdin: str | None = None) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)], input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def scores(rows: list[dict[str, Any]]) -> list[dict[str, float]]:
    return [row["scores"] for row in rows]


def test_one_dialogue_has_one_answer(tmp_path: Path, trained: Path) -> None:
    turns = [Turn("awful terrible horrid", "Ann"), Turn("the day was", "Bo"), Turn("lovely", "Ann"), Turn("hm", "Bo")]
    inputs = build_dialogue_inputs(turns)
    predictions = insula.load_model(trained).predict(inputs)
    expected = scores([one.to_dict() for one in predictions])
    assert predictions[1].label == "negative"
    assert predictions[3].label == "positive"
    assert predictions[1].scores != insula.predict("the day was", trained)[0].scores
    assert scores([one.to_dict() for one in insula.predict([one.to_dict() for one in inputs], trained)]) == expected
    assert insula.predict(inputs[1].to_dict(), trained) == predictions[1:2]

    typed = [
        from_command_line(
            one.text, "--speaker", one.speaker or "", "--json", "-m", trained,
            *(part for turn in one.turns for part in ("--context", f"{turn.speaker}: {turn.text}")),
        )[0]
        for one in inputs
    ]  # fmt: skip
    assert scores(typed) == expected

    rows = [{"chat": "x", "nr": n, "who": turn.speaker, "text": turn.text} for n, turn in enumerate(turns)]
    columns = ("--dialogue", "chat", "--turn", "nr", "--speaker", "who")
    for ending in ("csv", "jsonl", "parquet"):
        source = write(tmp_path / f"rows.{ending}", rows)
        from_command_line("-i", source, "-o", tmp_path / f"rows.{ending}.out.jsonl", *columns, "-m", trained)
        lines = (tmp_path / f"rows.{ending}.out.jsonl").read_text(encoding="utf-8").splitlines()
        assert scores(list(map(json.loads, lines))) == expected
    # Rows as `ModelInput.to_dict` writes them: their columns have common names.
    given = "\n".join(json.dumps(one.to_dict()) for one in inputs)
    assert scores(from_command_line("--json", "-m", trained, stdin=given)) == expected


def test_columns_of_training_are_those_of_evaluation(tmp_path: Path, trained: Path) -> None:
    test = write(tmp_path / "test.csv", chats(60, seed=1))
    run = insula.evaluate(test, trained, resamples=100)
    assert run.metrics["test"]["metrics"]["accuracy"]["value"] > 0.9
    assert run.metrics["test"]["seen"]["rows"] == 0
    assert any("60 have earlier turns, 1.0 on average." in note for note in run.notes)
    other = [{**row, "talk": row["chat"], "by": row["who"]} for row in chats(60, seed=1)]
    for row in other:
        del row["chat"], row["who"]
    renamed = write(tmp_path / "renamed.csv", other)
    again = insula.evaluate(renamed, trained, dialogue="talk", speaker="by", turn="nr", resamples=100)
    assert again.metrics["test"]["metrics"] == run.metrics["test"]["metrics"]
    alone = insula.evaluate(renamed, trained, resamples=100)
    assert alone.metrics["test"]["metrics"]["accuracy"]["value"] < 0.7
    for name, column in (("dialogue", "chat"), ("speaker", "who")):
        note = f"The evaluation rows lack the {name} column {column!r} of the training data and are read without it."
        assert note in alone.notes


def test_rows_that_were_trained_on_are_known_with_their_turn(tmp_path: Path, trained: Path) -> None:
    train = chats()
    answer = train[1]["text"]
    rows = [*train[:2], {**train[2]}, {**train[3], "text": answer}]
    found = insula.evaluate(write(tmp_path / "a.csv", rows), trained, resamples=100).metrics["test"]
    assert (found["rows"], found["seen"]["rows"]) == (2, 1)  # the same text after another turn is another row
    lone = [{"text": row["text"], "label": row["label"]} for row in rows if row["label"]]
    found = insula.evaluate(write(tmp_path / "b.csv", lone), trained, resamples=100).metrics["test"]
    assert found["seen"]["rows"] == 2  # where nothing is known of a turn, the text decides


def test_turns_in_a_column_train_the_same_model(tmp_path: Path, trained: Path) -> None:
    rows, before = [], ""
    for row in chats():
        if row["label"]:
            history = json.dumps([{"speaker": "Ann", "text": before}])
            rows.append({"text": row["text"], "label": row["label"], "history": history, "who": row["who"]})
        before = row["text"]
    options = {"data.context": "history", "data.speaker": "who", "preparation.context_turns": 1}
    run = insula.train(
        write(tmp_path / "train.csv", rows), recipe="linear", overrides={**LINEAR, **options}, output=tmp_path / "run"
    )
    assert run.metrics["test"]["metrics"]["accuracy"]["value"] > 0.9
    asked = [ModelInput("the day was", turns=(Turn("awful terrible", "Ann"),), speaker="Bo")]
    assert insula.predict(asked, run.path)[0].label == insula.predict(asked, trained)[0].label == "negative"


def test_describing_and_both_ways_at_once(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", chats())
    found = insula.describe_data(source, DataOptions(dialogue="chat", turn="nr", speaker="who"))
    assert (found.context["share"], found.context["speakers"]) == (1.0, 2)
    result = CliRunner().invoke(app, ["data", "describe", str(source), "--dialogue", "chat", "--context", "who"])
    assert result.exit_code != 0
    assert isinstance(result.exception, DataError) or "cannot be combined: earlier turns" in result.output


def test_what_a_model_does_not_read_is_said(run: Path, capsys: Any) -> None:
    result = CliRunner().invoke(
        app, ["predict", "lovely", "--context", "awful", "-m", str(run)], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert "This model does not read all of the context" in result.stderr
    assert "This model" not in CliRunner().invoke(app, ["predict", "lovely", "-m", str(run)]).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "--dialogue", "chat"), "need --input FILE"),
        (("a", "--context", ""), "must not be empty"),
        (("a", "--context", " "), "must not be empty or blank"),
    ],
)
def test_options_that_do_not_go_together(run: Path, arguments: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(app, ["predict", *arguments, "-m", str(run)], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert message in result.output


def test_comparing_models_of_dialogues(tmp_path: Path, trained: Path, toy_dataset: Callable[..., Any]) -> None:
    test = write(tmp_path / "test.csv", chats(60, seed=1))
    alone = insula.train(
        write(tmp_path / "train.csv", [row for row in chats() if row["label"]]),
        recipe="linear", overrides=LINEAR, output=tmp_path / "alone",
    )  # fmt: skip
    run = insula.compare(alone.path, trained, data=test, dialogue="chat", turn="nr", speaker="who", resamples=100)
    assert run.result["b"]["headline"]["value"] > run.result["a"]["headline"]["value"] + 0.2
