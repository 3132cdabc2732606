"""Runs that stay whole: one writer at a time, paths that outlive the working folder, errors before work."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import insula
from insula.core.errors import DataError, OutputError, UnknownNameError
from insula.core.locks import lock_for_writing, try_lock
from insula.training.pretraining.inputs import get_work_folder

FAST = {"model.name": "linear", "evaluation.resamples": 100}


@pytest.fixture
def numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_dataset: Callable[..., Any]) -> Path:
    """`mood.csv` with numbers for labels and `names.txt` that names them, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    names = ("negative", "neutral", "positive")
    with Path("mood.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for examples in toy_dataset("single").splits.values():
            writer.writerows([one.text, names.index(one.labels[0])] for one in examples)
    Path("names.txt").write_text("\n".join(("bad", "so-so", "good")), encoding="utf-8")
    return tmp_path


def test_two_trainings_into_one_folder_see_each_other(numbered: Path) -> None:
    folder = numbered / "runs" / "mood"
    folder.mkdir(parents=True)
    with (
        lock_for_writing(folder),
        pytest.raises(OutputError, match=r"Another process is writing the output .* Wait for it"),
    ):
        insula.train("mood.csv", recipe="linear", overrides=FAST, output=folder)
    run = insula.train("mood.csv", recipe="linear", overrides=FAST, output=folder)
    assert not (run.path / ".lock").exists()


def test_two_pretrainings_into_one_folder_see_each_other(tmp_path: Path, encoder_folder: Callable[..., Path]) -> None:
    corpus, output = tmp_path / "corpus.txt", tmp_path / "film"
    corpus.write_text("\n".join(f"film number {n} was good" for n in range(40)), encoding="utf-8")
    work = get_work_folder(output)
    work.mkdir()
    with (
        lock_for_writing(work),
        pytest.raises(OutputError, match=r"Another process is writing the output .* Wait for it"),
    ):
        insula.pretrain(corpus, output, model=encoder_folder(), epochs=1, max_tokens=16)
    with pytest.raises(DataError):  # nothing is left to learn from
        insula.pretrain(corpus, output, model=encoder_folder(), exclude=corpus, max_tokens=16)
    assert not work.exists()


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    with try_lock(tmp_path / "lock") as mine, try_lock(tmp_path / "lock") as too:
        assert (mine, too) == (True, False)
    assert not (tmp_path / "lock").exists()
    with try_lock(tmp_path / "lock") as again:
        assert again


def test_a_name_that_was_taken_meanwhile_is_left_alone(numbered: Path) -> None:
    first = insula.train("mood.csv", recipe="linear", overrides=FAST)
    second = insula.train("mood.csv", recipe="linear", overrides=FAST)
    assert (first.path.name, second.path.name) == ("mood-linear", "mood-linear-2")


def test_label_names_are_known_without_their_file(numbered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = insula.train(
        "mood.csv", recipe="linear", overrides={**FAST, "data.label_names": "names.txt"}, output="runs/mood"
    )
    assert Path(run.metrics["recipe"]["data"]["label_names"]) == numbered / "names.txt"
    (numbered / "names.txt").unlink()
    (numbered / "elsewhere").mkdir()
    monkeypatch.chdir(numbered / "elsewhere")
    measured = insula.evaluate("../mood.csv", "../runs/mood").metrics["test"]
    assert set(measured["labels"]) == {"bad", "so-so", "good"}
    assert measured["metrics"]["accuracy"]["value"] > 0.8


def test_a_base_in_the_working_folder_is_written_down_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder_folder: Callable[..., Path]
) -> None:
    from insula.training.recipe.recipe import load_recipe

    folder = encoder_folder()
    monkeypatch.chdir(folder.parent)
    lasting = load_recipe({"model": {"base": folder.name}}).with_absolute_paths()
    assert lasting.model.base == str(folder)  # type: ignore[attr-defined]
    static = load_recipe("static", {"model.vectors_from": folder.name}).with_absolute_paths()
    assert static.model.vectors_from == str(folder)  # type: ignore[attr-defined]
    assert load_recipe("standard").with_absolute_paths() == load_recipe("standard")


@pytest.mark.parametrize(("recipe", "option"), [("standard", "base"), ("static", "vectors_from")])
def test_a_missing_encoder_is_told_before_data_is_read(numbered: Path, recipe: str, option: str) -> None:
    Path("no-texts.csv").write_text("a,b\n1,2\n", encoding="utf-8")  # an error once it is read
    with pytest.raises(UnknownNameError, match="no-such-encoder"):
        insula.train(
            "no-texts.csv", recipe=recipe, overrides={f"model.{option}": "no-such-encoder"}, output="runs/mood"
        )
    assert not (numbered / "runs").exists()
