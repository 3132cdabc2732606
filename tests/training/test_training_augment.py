"""Augmentation in a recipe: copies of training rows only, without leaks, the same bytes when resumed."""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_data
from insula.core.errors import DataError, RecipeError
from insula.core.example import Example
from insula.core.progress import Silent
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.splits.leak import Fingerprint
from insula.evaluation.reports.cards import build_model_card
from insula.models.provenance import read_fingerprints
from insula.training.augment import add_augmented_rows
from insula.training.fitting import RunContext
from insula.training.neural.batches import EvenBatches
from insula.training.neural.task_batches import TaskBatches
from insula.training.plan import plan_training, prepare_rows
from insula.training.recipe.recipe import load_recipe
from insula.training.run import Run, train_run
from insula.training.run_folder import AUGMENTED

pytestmark = pytest.mark.usefixtures("without_export")
FAST = {"evaluation.baselines": ["majority"], "evaluation.resamples": 100}


def _augmented(dataset: Dataset, **options: Any) -> Dataset:
    given = {"methods": ["swap", "punctuation"], **options}
    recipe = load_recipe("linear", {f"augment.{key}": value for key, value in given.items()})
    return add_augmented_rows(dataset, recipe, Silent())


def _single(text: str, label: str = "positive", **more: Any) -> Example:
    return Example(text=text, labels=(label,), **more)


def _small(train: list[Example], **others: list[Example]) -> Dataset:
    return Dataset("small", toy_data.SCHEMES["single"], {"train": train, **others})


def _read(run: Path) -> list[dict[str, str]]:
    with (run / AUGMENTED).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_without_methods_nothing_is_added(tmp_path: Path) -> None:
    dataset = toy_data.toy_dataset("single")
    assert add_augmented_rows(dataset, load_recipe("linear"), Silent(), tmp_path / AUGMENTED) is dataset
    assert list(tmp_path.iterdir()) == []


def test_only_training_rows_have_copies() -> None:
    dataset = toy_data.toy_dataset("single")
    done = _augmented(dataset, times=2)
    assert done.splits == dataset.splits
    (copies,) = done.augmented
    assert len(copies) > 300
    assert all(copy.augmented_by in ("swap", "punctuation") for copy in copies)
    assert done.training_rows == [*dataset.split("train"), *copies]


def test_the_seed_decides_the_copies() -> None:
    dataset = toy_data.toy_dataset("single")
    first, again, other = (_augmented(dataset, seed=seed).augmented for seed in (1, 1, 2))
    assert first == again != other
    recipe = load_recipe("linear", {"augment.methods": "swap", "seed": 1})
    alone = _augmented(dataset, methods=["swap"], seed=1)
    assert add_augmented_rows(dataset, recipe, Silent()).augmented == alone.augmented


def test_copies_like_evaluation_rows_are_dropped_and_counted() -> None:
    long = "the staff of this place were very kind to all of us on that day"
    train = [_single(f"{long}, number {number}") for number in range(3)]
    train += [_single("they came home today"), _single("we went out for a long walk in the evening")]
    held_out = [_single("They came home today!"), _single(f"{long} number 2 or so")]
    done = _augmented(_small(train, test=held_out), methods=["casing", "punctuation"])
    copies = done.augmented[0]
    assert {copy.text.lower().rstrip(".") for copy in copies} == {"we went out for a long walk in the evening"}
    assert any("4 augmented rows were dropped: they are equal or nearly equal" in note for note in done.notes)


def test_a_new_label_is_one_of_the_scheme() -> None:
    train = [_single("the food was great"), _single("the room is cold", "negative"), _single("we met today", "neutral")]
    done = _augmented(_small(train), methods=["negation"])
    assert [(copy.text, copy.labels) for copy in done.augmented[0]] == [
        ("the food was not great", ("negative",)),
        ("the room is not cold", ("positive",)),
    ]


def test_copies_by_soft_methods_have_less_weight() -> None:
    train = [_single("my sister visited the museum near her house", weight=3.0)]
    for method, weight in (("swap", 0.6), ("punctuation", 3.0)):
        (copy,) = _augmented(_small(train), methods=[method], soft_weight=0.2).augmented[0]
        assert copy.weight == pytest.approx(weight)


def test_copies_are_not_copied_again() -> None:
    train = [_single("what a fine day it is", augmented_by="swap"), _single("we like this old house")]
    done = _augmented(_small(train), methods=["punctuation"])
    assert [copy.text for copy in done.augmented[0]] == ["we like this old house."]


@pytest.mark.parametrize(
    ("kind", "methods", "message"),
    [
        ("ordinal", ["intensity"], "'intensity', which changes the strength of an emotion"),
        ("dimensional", ["emoji"], "'emoji', which needs labels"),
        ("ordinal", ["negation"], "'negation', which has no new label for any of low, medium, high"),
        ("single", ["width"], "none of them applies to a row"),
    ],
)
def test_methods_must_fit_the_labels(kind: Any, methods: list[str], message: str) -> None:
    dataset = toy_data.toy_dataset(kind)
    if methods == ["width"]:
        dataset = _small([_single("only english words here")])
    with pytest.raises(RecipeError, match=message):
        _augmented(dataset, methods=methods)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment.methods": ["swapp"]}, "Did you mean 'swap'"),
        ({"augment.times": 0}, "augment.times must be at least 1. Got 0"),
        ({"augment.methods": ["swap"], "augment.mode": "epoch"}, 'augment.mode "epoch" needs a neural model'),
    ],
)
def test_bad_options_are_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("linear", options)


def test_a_run_has_the_copies_in_a_file_and_in_its_figures(tmp_path: Path) -> None:
    dataset = toy_data.toy_dataset("single")
    recipe = load_recipe("linear", {"augment.methods": ["swap", "casing"], **FAST})
    run = train_run(dataset, recipe, tmp_path / "run")
    lines = _read(run.path)
    counts = Counter(line["augmented_by"] for line in lines)
    assert run.document.data.augmented == counts
    assert run.document.data.rows == {"train": 200, "validation": 60, "test": 60}
    for line in lines:
        original = dataset.split("train")[int(line["source_row"]) - 1]
        assert (line["source"], line["label"]) == (original.text, original.labels[0])
        assert line["text"] != line["source"]
    assert f"augmented rows | {len(lines)}" in build_model_card(run.document)
    assert "Augmentation: " in " ".join(run.document.data.notes)
    texts = Fingerprint.of([*dataset.split("train"), *(_single(line["text"]) for line in lines)])
    assert read_fingerprints(run.model)["train"] == texts
    again = train_run(dataset, load_recipe("linear", FAST), tmp_path / "run")
    assert not (again.path / AUGMENTED).exists()
    assert again.document.data.augmented == {}


def _train(folder: Path, **more: Any) -> Run:
    options = {
        "augment.methods": ["swap", "punctuation"], "augment.mode": "epoch", "train.epochs": 3,
        "train.evaluations_per_epoch": 1, "train.patience": 9, "model.vectors": "random", **FAST, **more,
    }  # fmt: skip
    return train_run(toy_data.toy_dataset("single"), load_recipe("static", options), folder)


def test_each_epoch_has_copies_of_its_own(tmp_path: Path) -> None:
    run = _train(tmp_path / "run")
    texts: dict[str, set[str]] = {}
    for line in _read(run.path):
        texts.setdefault(line["epoch"], set()).add(line["text"])
    assert list(texts) == ["1", "2", "3"]
    assert texts["1"] != texts["2"] != texts["3"]
    assert run.document.test is not None


def test_rows_of_an_epoch_are_used_in_that_epoch_only() -> None:
    dataset = toy_data.toy_dataset("single")
    recipe = load_recipe("static", {"augment.methods": "swap", "augment.mode": "epoch", "train.epochs": 1.5})
    done = add_augmented_rows(dataset, recipe, Silent())
    assert len(done.augmented) == 2
    rows = prepare_rows(done, plan_training(done, recipe, "en"), RunContext(Path("unused"))).train
    assert rows.epoch is not None
    assert np.bincount(rows.epoch).tolist() == [200, *map(len, done.augmented)]
    lengths = np.random.default_rng(0).integers(3, 9, len(rows)).tolist()
    task = np.repeat([0, 1], [len(rows), 50])
    for_tasks = np.concatenate([rows.epoch, np.zeros(50, dtype=np.intp)])
    for batches in (
        EvenBatches(lengths, 16, seed=0, epoch=rows.epoch),
        TaskBatches([*lengths, *[4] * 50], task, [400, 50], 16, seed=0, epoch=for_tasks),
    ):
        for epoch in (0, 1):
            batches.set_epoch(epoch)
            given = [row for batch in batches for row in batch if row < len(rows)]
            assert sorted(given) == np.flatnonzero((rows.epoch == 0) | (rows.epoch == epoch + 1)).tolist()
            assert len(list(batches)) == len(batches)


def test_an_augmented_file_keeps_its_copies_in_train(tmp_path: Path) -> None:
    import insula

    lines = [f"message number {n} about the {word} trip,{label}"
             for n in range(40) for word, label in (("lovely", "good"), ("awful", "bad"))]  # fmt: skip
    (tmp_path / "plain.csv").write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    insula.augment_file(tmp_path / "plain.csv", tmp_path / "more.csv", methods=["delete"], times=2)
    dataset = load_dataset(tmp_path / "more.csv")
    for split in ("validation", "test"):
        assert not any(example.augmented_by for example in dataset.split(split))
        originals = {example.group for example in dataset.split(split)}
        assert len(originals) > 2
        assert originals.isdisjoint({example.group for example in dataset.split("train")})
    assert any(example.augmented_by for example in dataset.split("train"))
    assert any("only training rows have copies" in note for note in dataset.notes)
    assert any("training rows are augmented" in note for note in dataset.notes)


def test_augmented_rows_of_given_splits_are_left_out(tmp_path: Path) -> None:
    head = "text,label,augmented_by,source_row\n"
    (tmp_path / "train.csv").write_text(
        head + "what a good day it was at the sea,good,,1\nwhat a bad day it was at work,bad,,2\n"
        "what a bad day it was at workk,bad,keyboard,2\nwe ate bread,bad,swap,3\nno rain fell today,good,,4\n",
        encoding="utf-8",
    )
    (tmp_path / "test.csv").write_text(head + "ate we bread,good,swap,1\nwe ate bread!,bad,,2\n", encoding="utf-8")
    (tmp_path / "validation.csv").write_text(head + "quite another text,good,,1\nstill another,bad,,2\n", "utf-8")
    dataset = load_dataset(tmp_path)
    assert [example.text for example in dataset.split("test")] == ["we ate bread!"]
    assert [example.augmented_by for example in dataset.split("train")] == [None, None, "keyboard", None]
    notes = " ".join(dataset.notes)
    assert "1 augmented test row left out" in notes
    assert "1 augmented row was dropped: it is equal or nearly equal" in notes


def test_an_augmented_test_file_is_reported(tmp_path: Path) -> None:
    from insula.data.load import read_examples
    from insula.data.options import DataOptions

    file = tmp_path / "test.csv"
    file.write_text("text,label,augmented_by,source_row\na b,positive,,1\nb a,positive,swap,1\n", encoding="utf-8")
    _, notes = read_examples(file, DataOptions(), toy_data.SCHEMES["single"])
    assert any("1 of 2 rows are augmented" in note for note in notes)


def test_a_resumed_run_needs_the_same_copies(tmp_path: Path) -> None:
    dataset = toy_data.toy_dataset("single", train=60)
    folder = tmp_path / "run"
    recipe = load_recipe("linear", {"augment.methods": "swap", **FAST})
    first = train_run(dataset, recipe, folder)
    before = (folder / AUGMENTED).read_bytes()
    again = train_run(dataset, recipe, folder, resume=True)
    assert (folder / AUGMENTED).read_bytes() == before
    assert again.document.test == first.document.test
    other = recipe.model_copy(update={"augment": recipe.augment.model_copy(update={"seed": 5})})
    with pytest.raises(DataError, match="have changed since it started"):
        train_run(dataclasses.replace(dataset), other, folder, resume=True)
