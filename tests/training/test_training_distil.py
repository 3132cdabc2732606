"""Distillation: a student learns from teachers without leaks."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import toy_data
from insula.api.training import resume_training, train
from insula.core.errors import LeakError, OutputError, RecipeError, UnknownNameError
from insula.core.example import Example
from insula.core.progress import Silent
from insula.core.scheme import KINDS, Kind, LabelScheme
from insula.data.dataset import Dataset
from insula.inference.predictor import Predictor
from insula.models.provenance import split_fingerprints
from insula.training.loss_terms.teacher import compute_teacher_loss
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run
from insula.training.transfer.teachers import compute_teacher_scores
from interrupt import Interrupt

RecipeOf = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.usefixtures("without_export")


def _teacher(kind: Kind, folder: Path, **rows: Any) -> Path:
    """Train a good teacher quickly on other rows; its family differs from the students'."""
    data = toy_data.toy_dataset(kind, seed=7, **({"train": 300, "validation": 40, "test": 0} | rows))
    return train_run(data, load_recipe({"model": {"name": "linear"}, "evaluation": {"baselines": []}}), folder).path


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Path]:
    """A linear teacher of a kind, trained once."""
    made: dict[Kind, Path] = {}

    def make(kind: Kind) -> Path:
        if kind not in made:
            made[kind] = _teacher(kind, tmp_path_factory.mktemp("teacher") / kind)
        return made[kind]

    return make


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Path]:
    """A file of texts without labels."""

    def make(kind: Kind) -> Path:
        file = tmp_path_factory.mktemp("texts") / "texts.txt"
        rows = toy_data.toy_dataset(kind, train=300, validation=0, test=0, seed=11).split("train")
        file.write_text("\n".join(example.text for example in rows) + "\n", encoding="utf-8")
        return file

    return make


def _recipe(
    tiny_recipe: RecipeOf, teachers: list[Path], texts: list[Path], *, family: str = "encoder", **more: Any
) -> Any:
    settings = {"train.epochs": 4, "train.patience": 50, "evaluation.baselines": [], **more}
    if teachers:
        settings |= {"distil.teachers": [str(one) for one in teachers], "distil.unlabelled": [str(t) for t in texts]}
    return load_recipe(tiny_recipe(family, settings))


def test_teacher_scores_are_cached_during_the_run(
    tmp_path: Path, tiny_recipe: RecipeOf, teacher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    recipe = _recipe(tiny_recipe, [teacher("single")], [], **{"train.epochs": 1, "train.freeze_layers": 1})
    monkeypatch.setattr("insula.training.measure.RunMeasurer.measure_all", stop)
    with pytest.raises(KeyboardInterrupt):
        train_run(toy_data.toy_dataset("single", train=20, validation=30), recipe, tmp_path / "run")
    assert [file.name for file in (tmp_path / "run" / "cache").iterdir()] == ["teacher.safetensors"]


@pytest.mark.parametrize("kind", ["single", pytest.param("multi", marks=pytest.mark.slow)])
def test_a_student_learns_from_unlabelled_texts(
    tmp_path: Path, tiny_recipe: RecipeOf, teacher: Any, unlabelled: Any, kind: Kind
) -> None:
    data = toy_data.toy_dataset(kind, train=20, validation=30, test=60, seed=3)
    alone = train_run(data, _recipe(tiny_recipe, [], []), tmp_path / "alone")
    taught = train_run(data, _recipe(tiny_recipe, [teacher(kind)], [unlabelled(kind)]), tmp_path / "taught")
    reached = [run.metrics["test"]["metrics"]["macro_f1"]["value"] for run in (alone, taught)]
    assert reached[1] > reached[0] + 0.2
    rows = taught.metrics["data"]["rows"]
    assert rows["train"] == 20
    assert rows["unlabelled"] > 200
    assert not (taught.path / "cache").exists()
    assert set(taught.metrics["data"]["label_counts"]) == {"train", "validation", "test"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_distils_without_unlabelled_texts(
    tmp_path: Path, tiny_recipe: RecipeOf, teacher: Any, kind: Kind
) -> None:
    data = toy_data.toy_dataset(kind, train=160, validation=30, test=40, seed=3)
    recipe = _recipe(tiny_recipe, [teacher(kind)], [], family="static", **{"distil.weight": 1.0, "train.epochs": 12})
    metrics = train_run(data, recipe, tmp_path / "run").metrics["test"]
    assert metrics["metrics"][metrics["headline"]]["value"] > 0.8


def test_unlabelled_texts_are_seen_and_never_evaluated(tmp_path: Path, tiny_recipe: RecipeOf, teacher: Any) -> None:
    data = toy_data.toy_dataset("single", train=20, validation=10, test=10, seed=3)
    texts = [
        data.split("test")[0].text.upper() + "!",
        data.split("validation")[0].text,
        data.split("train")[0].text,
        "a lovely window today",
        "A LOVELY window, today",
        "...",
    ]
    file = tmp_path / "texts.jsonl"
    rows = [json.dumps({"words": text}, ensure_ascii=False) for text in texts]
    file.write_text("\n".join([*rows, '{"words": null}']) + "\n", encoding="utf-8")
    recipe = _recipe(tiny_recipe, [teacher("single")], [file], **{"distil.text": "words", "train.epochs": 1})
    run = train_run(data, recipe, tmp_path / "run")
    assert run.metrics["data"]["rows"] == {"train": 20, "validation": 10, "test": 10, "unlabelled": 1}
    assert any("2 removed that are in validation or test" in note for note in run.metrics["data"]["notes"])
    from insula.models.provenance import find_seen_rows

    assert find_seen_rows(run.model, ["a lovely window today"]).all()


def test_a_teacher_that_saw_evaluation_rows_is_rejected(tmp_path: Path, tiny_recipe: RecipeOf, unlabelled: Any) -> None:
    data = toy_data.toy_dataset("single", train=40, validation=20, test=20, seed=3)
    for split, its, used in (
        ("test", {"train": data.split("test")}, "train"),
        ("validation", {"train": data.split("validation")}, "train"),
        ("test", {"train": data.split("train"), "validation": data.split("test")}, "validation"),
    ):
        folder = tmp_path / f"teacher-{split}-{used}"
        linear = load_recipe({"model": {"name": "linear"}, "evaluation": {"baselines": []}})
        train_run(Dataset("other", data.scheme, its), linear, folder)
        with pytest.raises(LeakError, match=rf"20 {split} rows of 20 that are among its {used} rows"):
            train_run(data, _recipe(tiny_recipe, [folder], []), tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_a_teacher_of_the_same_splits_is_accepted(tmp_path: Path, tiny_recipe: RecipeOf) -> None:
    data = toy_data.toy_dataset("single", train=40, validation=20, test=20, seed=3)
    linear = load_recipe({"model": {"name": "linear"}, "evaluation": {"baselines": []}})
    more = ["a lovely window of its own", "the horrid table that only it knows"]
    rows = [*data.split("train"), *(Example(text=text, labels=("neutral",)) for text in more)]
    splits = {**data.splits, "train": rows}
    folder = train_run(dataclasses.replace(data, splits=splits), linear, tmp_path / "teacher").path
    run = train_run(data, _recipe(tiny_recipe, [folder], [], **{"train.epochs": 1}), tmp_path / "run")
    # The student inherits the fingerprint of these rows.
    assert split_fingerprints(run.model)["train"].find_seen(more).all()


def test_impossible_distillations_are_rejected(
    tmp_path: Path, tiny_recipe: RecipeOf, teacher: Any, unlabelled: Any
) -> None:
    with pytest.raises(
        RecipeError, match=r"distil.teachers needs a neural model, and the family 'linear' is not neural"
    ):
        load_recipe({"model": {"name": "linear"}, "distil": {"teachers": ["runs/x"]}})
    with pytest.raises(RecipeError, match="need a teacher that scores them"):
        load_recipe({"distil": {"unlabelled": ["texts.txt"]}})
    with pytest.raises(RecipeError, match="`weight` must be above 0"):
        load_recipe({"distil": {"teachers": ["runs/x"], "weight": 0}})
    data = toy_data.toy_dataset("multi", train=20, validation=10, test=10)
    with pytest.raises(RecipeError, match=r"must have the labels of the data \(multi: .*Got single"):
        train_run(data, _recipe(tiny_recipe, [teacher("single")], []), tmp_path / "run")
    with pytest.raises(UnknownNameError):
        train(data, recipe=_recipe(tiny_recipe, [tmp_path / "nobody"], []), output=tmp_path / "run")


def test_teachers_are_averaged_in_any_order_of_their_labels(tmp_path: Path, teacher: Any) -> None:
    first, second = teacher("single"), _teacher("single", tmp_path / "second", train=60)
    texts = [example.text for example in toy_data.toy_dataset("single", train=20).split("train")]
    scheme = toy_data.SCHEMES["single"]
    mean = np.mean([Predictor.load(one).decide(texts).scores for one in (first, second)], axis=0)
    both = [str(first), str(second)]
    found = compute_teacher_scores(both, scheme, texts, tmp_path / "cache" / "a", Silent())
    np.testing.assert_allclose(found, mean, atol=1e-6)
    turned = LabelScheme("turned", "single", scheme.names[::-1])
    np.testing.assert_allclose(
        compute_teacher_scores(both, turned, texts, tmp_path / "cache" / "b", Silent()),
        mean[:, ::-1],
        atol=1e-6,
    )


def test_teacher_scores_are_computed_once(tmp_path: Path, teacher: Any, recorder: Any) -> None:
    texts = [example.text for example in toy_data.toy_dataset("single", train=20).split("train")]
    scheme, cache = toy_data.SCHEMES["single"], tmp_path / "cache"
    first = compute_teacher_scores([str(teacher("single"))], scheme, texts, cache, Silent())
    again = compute_teacher_scores([str(teacher("single"))], scheme, texts, cache, recorder)
    np.testing.assert_array_equal(first, again)
    assert not recorder.tasks
    compute_teacher_scores([str(teacher("single"))], scheme, texts[:-1], cache, recorder)
    assert recorder.tasks == [("teacher", 19)]


@pytest.fixture
def toy_files(tmp_path: Path) -> Path:
    """Return a folder with a file for each split."""
    data = tmp_path / "toy"
    data.mkdir()
    for split, examples in toy_data.toy_dataset("single", train=30, validation=20, test=10, seed=3).splits.items():
        rows = [json.dumps({"text": e.text, "label": (e.labels or ())[0]}, ensure_ascii=False) for e in examples]
        (data / f"{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return data


def test_a_student_resumes_from_another_folder(
    tmp_path: Path,
    tiny_recipe: RecipeOf,
    teacher: Any,
    unlabelled: Any,
    toy_files: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from safetensors.torch import load_file

    texts = unlabelled("single")
    monkeypatch.chdir(texts.parent)
    recipe = _recipe(tiny_recipe, [teacher("single")], [Path(texts.name)], **{"train.epochs": 2})
    whole = train(toy_files, recipe=recipe, output=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(toy_files, recipe=recipe, output=tmp_path / "run", progress=Interrupt(30))
    assert list((tmp_path / "run" / "checkpoints").glob("checkpoint-*"))
    with pytest.raises(OutputError, match=r"unfinished run with a checkpoint\. Resume it: insula train --resume"):
        train(toy_files, recipe=recipe, output=tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    resume_training(tmp_path / "run")
    expected = load_file(whole.model / "model.safetensors")
    for name, tensor in load_file(tmp_path / "run" / "model" / "model.safetensors").items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=0)


def test_a_changed_teacher_prevents_resuming(
    tmp_path: Path, tiny_recipe: RecipeOf, teacher: Any, toy_files: Path
) -> None:
    lent = tmp_path / "teacher"
    shutil.copytree(teacher("single"), lent)
    recipe = _recipe(tiny_recipe, [lent], [], **{"train.epochs": 2})
    with pytest.raises(KeyboardInterrupt):
        train(toy_files, recipe=recipe, output=tmp_path / "run", progress=Interrupt(2))
    shutil.rmtree(lent)
    shutil.copytree(_teacher("single", tmp_path / "other", train=60), lent)
    with pytest.raises(RecipeError, match=r"model '.*teacher.*' that run '.*run' uses has changed"):
        resume_training(tmp_path / "run")
    train(toy_files, recipe=recipe, output=tmp_path / "run", overwrite=True)


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_the_teacher_loss_and_its_gradient(kind: Kind) -> None:
    """T^2 KL, zero where student and teacher agree; its gradient is T times the softened difference."""
    teacher_logits = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], dtype=torch.float64)
    squash = torch.sigmoid if kind == "multi" else (lambda z: z.softmax(dim=1))
    scores = squash(teacher_logits)
    assert compute_teacher_loss(kind, teacher_logits, scores, 3.0).abs().max() < 1e-9
    logits = torch.tensor([[0.2, 0.1, -0.3], [1.0, 1.0, 1.0]], dtype=torch.float64, requires_grad=True)
    for temperature in (1.0, 4.0):
        logits.grad = None
        compute_teacher_loss(kind, logits, scores, temperature).sum().backward()  # type: ignore[no-untyped-call]
        expected = temperature * (squash(logits.detach() / temperature) - squash(teacher_logits / temperature))
        torch.testing.assert_close(logits.grad, expected / (3 if kind == "multi" else 1), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_a_certain_teacher_has_a_finite_loss(kind: Kind) -> None:
    scores = torch.tensor([[1.0, 0.0, 0.0]])
    assert torch.isfinite(compute_teacher_loss(kind, torch.zeros(1, 3), scores, 0.1)).all()
