"""`train` and `resume_training`: where runs go, what interrupts them, what is logged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import insula
from insula.core.errors import DataError, MissingFileError, OutputError, RecipeError, UnknownNameError
from insula.data.formats.writers import open_writer

FAST = {"model.name": "linear", "evaluation.resamples": 100}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_dataset: Callable[..., Any]) -> Path:
    """`mood.csv` in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    with open_writer(tmp_path / "mood.csv") as writer:
        for examples in toy_dataset("single").splits.values():
            writer.write([{"words": one.text, "label": one.labels[0]} for one in examples])
    return Path("mood.csv")


def interrupt(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, stop)


def test_a_run_from_a_file(source: Path, recorder: Any) -> None:
    run = insula.train(source, text="words", overrides=FAST, progress=recorder)
    assert run.path == Path("runs/mood-standard")
    assert any("the run goes to runs/mood-standard" in said for said in recorder.said)
    assert run.report.exists()
    assert run.metrics["test"]["metrics"]["macro_f1"]["value"] > 0.8
    assert insula.predict("lovely happy", "mood-standard")[0].label == "positive"


def test_a_run_from_data_in_memory(source: Path, toy_dataset: Callable[..., Any]) -> None:
    run = insula.train(toy_dataset("multi"), recipe="linear", overrides=FAST, output="runs/memory")
    assert json.loads((run.path / "run.json").read_text(encoding="utf-8"))["source"] == []


def test_an_interrupted_run_says_how_to_go_on_and_goes_on(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        interrupt(patch, "insula.training.run.fit_model")
        with pytest.raises(KeyboardInterrupt, match="insula train --resume 'runs/my mood'"):
            insula.train(source, text="words", overrides=FAST, output="runs/my mood")
    assert not Path("runs/my mood/model").exists()
    elsewhere = Path("elsewhere")
    elsewhere.mkdir()
    folder = Path("runs/my mood").absolute()
    monkeypatch.chdir(elsewhere)
    assert insula.resume_training(folder).model.is_dir()


def test_a_run_from_memory_promises_no_resuming(
    source: Path, monkeypatch: pytest.MonkeyPatch, toy_dataset: Callable[..., Any]
) -> None:
    interrupt(monkeypatch, "insula.training.run.fit_model")
    with pytest.raises(KeyboardInterrupt) as stopped:
        insula.train(toy_dataset("single"), overrides=FAST, output="runs/memory")
    assert not stopped.value.args
    with pytest.raises(DataError, match="in memory"):
        insula.resume_training("runs/memory")


def test_an_interrupted_replacement_can_go_on(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    insula.train(source, text="words", overrides=FAST, output="runs/mood")
    with monkeypatch.context() as patch:
        interrupt(patch, "insula.training.run.fit_model")
        with pytest.raises(KeyboardInterrupt, match="--resume runs/mood"):
            insula.train(source, text="words", overrides={**FAST, "seed": 7}, output="runs/mood", overwrite=True)
    assert insula.predict("lovely happy", "mood")[0].label == "positive"  # the older model still answers
    assert insula.resume_training("mood").metrics["seed"] == 7


def test_changed_data_cannot_be_resumed(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        interrupt(patch, "insula.training.run.fit_model")
        with pytest.raises(KeyboardInterrupt):
            insula.train(source, text="words", overrides=FAST, output="runs/mood")
    source.write_text(source.read_text(encoding="utf-8") + "something new,positive\n", encoding="utf-8")
    with pytest.raises(DataError, match="changed"):
        insula.resume_training("runs/mood")


def test_what_cannot_be_resumed(source: Path) -> None:
    with pytest.raises(MissingFileError, match=r"the file run\.json is missing"):
        insula.resume_training("nothing")
    insula.train(source, text="words", overrides=FAST, output="runs/mood")
    with pytest.raises(RecipeError, match="is finished"):
        insula.resume_training("runs/mood")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"text": "wordz"}, DataError),
        ({"recipe": "nonsense"}, UnknownNameError),
        ({"recipe": {"train": {"epochz": 1}}}, RecipeError),
        ({"overrides": {"train.epochz": 1}}, RecipeError),
        ({"output": "mood.csv"}, OutputError),
        # These are logged only when the labels are known.
        ({"text": "words", "recipe": "linear", "overrides": {"objective.name": "ccc"}}, RecipeError),
        ({"text": "words", "recipe": "linear", "overrides": {"objective.soft_labels": True}}, RecipeError),
    ],
)
def test_errors_leave_no_run_behind(source: Path, given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        insula.train(source, **given)
    assert not list(Path("runs").glob("*"))


def test_a_missing_file_is_the_ecosystems_error_too(source: Path) -> None:
    with pytest.raises(FileNotFoundError):
        insula.train("nothing.csv")
    with pytest.raises(insula.InsulaError):
        insula.load_model("nothing")


def test_describe_data(source: Path) -> None:
    found = insula.describe_data(source, insula.DataOptions(text="words"))
    assert sum(found.rows.values()) == len(source.read_text(encoding="utf-8").splitlines()) - 1
    assert found.kind == "single"
    assert set(found.labels) == {"negative", "neutral", "positive"}


def test_a_replacement_keeps_no_baseline_of_the_run_before(source: Path) -> None:
    insula.train(source, text="words", overrides=FAST, output="runs/mood")
    before = Path("runs/mood/baselines/linear")
    shutil.copytree("runs/mood/model", before)  # as a neural run keeps one
    insula.train(source, text="words", overrides=FAST, output="runs/mood", overwrite=True)
    assert not before.exists()


def test_a_refused_replacement_leaves_the_run_before(source: Path) -> None:
    run = insula.train(source, text="words", overrides=FAST, output="runs/mood")
    shutil.copytree(run.model, run.path / "baselines" / "linear")  # as a neural run keeps one
    before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    with pytest.raises(RecipeError, match="soft_labels"):
        insula.train(
            source, text="words", overrides={**FAST, "objective.soft_labels": True}, output="runs/mood", overwrite=True
        )
    assert {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()} == before


def test_a_folder_of_other_files_is_no_place_for_a_run(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    (folder / "logs").mkdir(parents=True)
    with pytest.raises(OutputError, match="other files"):
        insula.train(source, recipe="linear", output=folder, overwrite=True)
    assert (folder / "logs").is_dir()
