"""Where a model comes from, and how often its files are read to make sure of it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import insula
from insula.core.errors import DataError, ModelFolderError
from insula.core.example import Example
from insula.data.dataset import Dataset
from insula.data.formats.writers import open_writer
from insula.data.splits.leak import Fingerprint
from insula.models.folder import get_folder_digest, open_folder
from insula.models.provenance import (
    add_validation_texts,
    choose_evaluation_options,
    choose_training_source,
    drop_training_rows,
    find_seen_rows,
    load_training_dataset,
    read_recorded_options,
    split_fingerprints,
    write_fingerprints,
)


@pytest.fixture
def rows(tmp_path: Path, toy_dataset: Any) -> Path:
    """A file of labelled rows with a group each."""
    dataset: Dataset = toy_dataset("single")
    examples = [one for split in dataset.splits.values() for one in split]
    with open_writer(tmp_path / "rows.csv") as writer:
        writer.write(
            [{"words": one.text, "label": one.labels[0], "author": f"a{n}"} for n, one in enumerate(examples)]  # type: ignore[index]
        )
    return tmp_path / "rows.csv"


def test_a_model_is_hashed_once_in_a_process(tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[int] = Counter()
    digest = hashlib.file_digest

    def counted(file: Any, name: str) -> Any:
        read[os.fstat(file.fileno()).st_ino] += 1
        return digest(file, name)

    monkeypatch.setattr("hashlib.file_digest", counted)
    monkeypatch.setattr("insula.core.files.CLOCK_TICK_NS", -1)  # what was just written is trusted, too
    recipe = {"model": {"name": "linear"}, "data": {"text": "words"}, "evaluation": {"resamples": 100}}
    run = insula.train(rows, recipe=recipe, output=tmp_path / "run")
    insula.evaluate(rows, run.path, resamples=100)
    insula.compare(run.path, run.path, resamples=100)
    files = {file.stat().st_ino for file in run.model.rglob("*") if file.is_file()}
    assert files <= read.keys()
    assert set(read.values()) == {1}
    scheme = run.model / "scheme.json"
    with scheme.open("r+b") as same:
        same.write(b"[")
    with pytest.raises(ModelFolderError, match=r"'scheme.json' .* was changed"):
        open_folder(run.model)


def test_a_digest_is_that_of_the_content(tmp_path: Path, trained_run: Any) -> None:
    shutil.copytree(trained_run("linear", "single").model, tmp_path / "copy")
    assert get_folder_digest(tmp_path / "copy") == get_folder_digest(trained_run("linear", "single").model)
    assert get_folder_digest(tmp_path / "copy") != get_folder_digest(trained_run("linear", "multi").model)


def test_rows_and_options_are_those_of_training(tmp_path: Path, rows: Path) -> None:
    data = {"text": "words", "group": "author", "validation_fraction": 0.2}
    run = insula.train(rows, recipe={"model": {"name": "linear"}, "data": data}, output=tmp_path / "run")
    model = open_folder(run.model)
    assert read_recorded_options(run.model).group == "author"
    options, notes = choose_evaluation_options(run.model, rows)
    assert (options.group, options.text, notes) == (None, "words", ())  # groups keep training rows together
    assert choose_training_source(model) == [str(rows)]
    dataset = load_training_dataset(model)
    assert find_seen_rows(run.model, dataset.split("train")).all()
    assert not find_seen_rows(run.model, dataset.split("test")).any()
    assert drop_training_rows(run.model, dataset.split("train")) == []
    assert drop_training_rows(run.model, dataset.split("validation")) == list(dataset.split("validation"))


def test_a_model_without_a_run_names_no_rows(tmp_path: Path, trained_run: Any) -> None:
    shutil.copytree(trained_run("linear", "single").model, tmp_path / "model")
    with pytest.raises(DataError, match="Pass the data with --data"):
        choose_training_source(open_folder(tmp_path / "model"))
    assert choose_training_source(open_folder(tmp_path / "model"), "tweets") == ["tweets"]


def test_fingerprints_of_every_part_count_as_trained_on(tmp_path: Path) -> None:
    parts = {"train": "a", "validation": "b", "unlabelled": "c", "teacher0": "d"}
    write_fingerprints(tmp_path, {name: Fingerprint.of([Example(text=f"text {word}")]) for name, word in parts.items()})
    add_validation_texts(tmp_path, Fingerprint.of([Example(text="text e")]))
    texts = [f"text {word}" for word in "abcdef"]
    assert split_fingerprints(tmp_path)["train"].find_seen(texts).tolist() == [True, False, True, True, False, False]
    assert split_fingerprints(tmp_path)["validation"].find_seen(texts).tolist() == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]
    assert find_seen_rows(tmp_path, texts).tolist() == [True] * 5 + [False]
    assert not find_seen_rows(tmp_path / "nothing", texts).any()
