"""The contract of every objective for each kind it supports: it learns, is saved and reloads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_data
from insula.core.errors import RecipeError
from insula.core.example import Example
from insula.core.progress import Silent
from insula.core.scheme import Kind
from insula.data.dataset import Dataset
from insula.inference.predictor import Predictor
from insula.models.provenance import split_fingerprints
from insula.training.objectives.registry import objectives
from insula.training.recipe.recipe import load_recipe
from insula.training.run import Run, train_run
from slow_cases import slow_unless

RecipeOf = Callable[..., dict[str, Any]]
FITTING = [(name, kind) for name in objectives for kind in objectives[name].kinds]
IN_DEFAULT_RUN = {name: objectives[name].kinds[0] for name in objectives} | {"focal": "single", "sigmoid": "multi"}
SINGLE_OR_MULTI = ["single", pytest.param("multi", marks=pytest.mark.slow)]


@pytest.fixture
def train(tmp_path: Path, tiny_recipe: RecipeOf) -> Callable[..., Run]:
    """Train a family on toy data for a few epochs: `train("encoder", data, {"objective.name": "corn"})`."""

    def run(family: str, data: Dataset, overrides: dict[str, Any]) -> Run:
        settings = {"train.epochs": 4, "evaluation.baselines": [], **overrides}
        return train_run(data, load_recipe(tiny_recipe(family, settings)), tmp_path / "run", progress=Silent())

    return run


def _losses(run: Run) -> list[float]:
    return [row["loss"] for row in run.metrics["history"] if "loss" in row]


@pytest.mark.usefixtures("without_export")
@pytest.mark.parametrize(("name", "kind"), slow_unless(lambda name, kind: IN_DEFAULT_RUN[name] == kind, FITTING))
def test_an_objective_learns_and_reloads(train: Any, name: str, kind: Kind) -> None:
    several = kind == "multi"  # harder to learn
    data = toy_data.toy_dataset(kind, train=160 if several else 96, validation=32, test=16)
    # Averaged vectors are the quickest network, but slow to learn several labels at once.
    family, epochs = ("encoder", 14) if several else ("static", 10)
    run = train(family, data, {"objective.name": name, "train.epochs": epochs})
    losses = _losses(run)
    assert np.mean(losses[-6:]) < 0.9 * losses[0]  # one batch alone may be a hard one
    texts = [example.text for example in data.split("test")]
    first, second = Predictor.load(run.model), Predictor.load(run.path)
    np.testing.assert_array_equal(first.logits(texts), second.logits(texts))
    assert first.predict(texts) == second.predict(texts)
    assert first.logits([]).shape == (0, data.scheme.output_count)
    scores = first.decide(texts).scores
    assert scores.shape == (16, len(data.scheme.names))
    if kind in ("binary", "single", "ordinal"):
        np.testing.assert_allclose(scores.sum(axis=1), 1)


@pytest.mark.usefixtures("without_export")
@pytest.mark.parametrize("kind", ["single", pytest.param("multi", marks=pytest.mark.slow), "dimensional"])
def test_r_drop_reduces_the_divergence(train: Any, kind: Kind) -> None:
    data = toy_data.toy_dataset(kind, train=96, validation=32, test=16)
    losses = _losses(train("encoder", data, {"objective.r_drop": 1.0, "model.dropout": 0.3}))
    assert losses[-1] < losses[0]


@pytest.mark.usefixtures("without_export")
@pytest.mark.parametrize("kind", SINGLE_OR_MULTI)
def test_coarser_levels_are_trained_with_the_labels(train: Any, kind: Kind) -> None:
    plain = toy_data.toy_dataset(kind, train=96, validation=32, test=16)
    first, *others = plain.scheme.names
    scheme = dataclasses.replace(plain.scheme, mappings={"sides": {first: "one", **dict.fromkeys(others, "other")}})
    data = dataclasses.replace(plain, scheme=scheme)
    alone = _losses(train("encoder", data, {"train.epochs": 1}))
    run = train("encoder", data, {"objective.levels": 1.0, "train.epochs": 8})
    losses = _losses(run)
    assert losses[0] > alone[0]  # the same rows and weights, one more loss
    assert np.mean(losses[-6:]) < losses[0]
    assert set(run.metrics["test"]["levels"]) == {"sides"}


@pytest.mark.usefixtures("without_export")
@pytest.mark.parametrize("kind", SINGLE_OR_MULTI)
def test_soft_labels_are_trained(train: Any, kind: Kind) -> None:
    """If six of ten annotators agree, the model should be sixty percent confident."""
    plain = toy_data.toy_dataset(kind, train=200, validation=60, test=60)
    names = plain.scheme.names
    split = {
        name: [
            Example(text=row.text, labels=row.labels, id=row.id, votes=dict.fromkeys(row.labels or (), 0.6))
            if kind == "multi"
            else Example(text=row.text, labels=row.labels, id=row.id,
                         votes={label: 6.0 if label in (row.labels or ()) else 4 / (len(names) - 1) for label in names})
            for row in rows
        ]
        for name, rows in plain.splits.items()
    }  # fmt: skip
    data = Dataset(plain.name, plain.scheme, split)
    overrides = {
        "objective.soft_labels": True,
        "decision.calibration": "none",
        "train.epochs": 16 if kind == "multi" else 8,
    }
    run = train("encoder", data, overrides)
    test = data.split("test")
    scores = Predictor.load(run.model).decide([row.text for row in test]).scores
    given = [scores[i, names.index(label)] for i, row in enumerate(test) for label in row.labels or ()]
    assert np.median(given) == pytest.approx(0.6, abs=0.1)


def test_linear_supports_class_weights_only(train: Any) -> None:
    common = toy_data.toy_dataset("single", train=120, validation=0, test=30)
    rare = [row for i, row in enumerate(common.split("train")) if row.labels != ("positive",) or i % 8 == 2]
    data = Dataset("uneven", common.scheme, {"train": rare, "test": common.split("test")})
    texts = [row.text for row in data.split("test")]
    mean = {
        rule: Predictor.load(train("linear", data, {"objective.class_weights": rule}).model)
        .decide(texts)
        .scores.mean(0)
        for rule in ("none", "effective", "balanced")
    }
    positive = common.scheme.names.index("positive")
    assert mean["none"][positive] < mean["effective"][positive] <= mean["balanced"][positive]
    for overrides, message in (
        ({"objective.name": "focal"}, r"objective\.name of model family 'linear' must be auto or softmax.*Got 'focal'"),
        ({"objective.r_drop": 1.0}, r"objective\.r_drop option is for networks"),
        ({"objective.levels": 1.0}, r"objective\.levels option is for networks"),
        ({"objective.label_smoothing": 0.1}, r"objective\.label_smoothing option is for networks"),
        ({"objective.gamma": 1.0}, r"objective\.gamma option belongs to"),
    ):
        with pytest.raises(RecipeError, match=message):
            train("linear", data, overrides)


def test_linear_weights_labels_of_multi_label_schemes(train: Any) -> None:
    data = toy_data.toy_dataset("multi", train=80, validation=0, test=20)
    rare = [row for i, row in enumerate(data.split("train")) if "positive" not in (row.labels or ()) or i % 6 == 0]
    uneven = Dataset("uneven", data.scheme, {"train": rare, "test": data.split("test")})
    texts = [row.text for row in data.split("test")]
    mean = {
        rule: Predictor.load(train("linear", uneven, {"objective.class_weights": rule}).model)
        .decide(texts)
        .scores.mean(0)
        for rule in ("none", "balanced")
    }
    assert mean["balanced"][2] > 1.2 * mean["none"][2]


@pytest.mark.usefixtures("without_export")
def test_the_linear_baseline_uses_its_own_objective(train: Any) -> None:
    data = toy_data.toy_dataset("ordinal", train=64, validation=32, test=16)
    run = train("encoder", data, {"objective.name": "corn", "objective.r_drop": 1.0, "train.epochs": 1,
                                  "evaluation.baselines": ["linear", "untrained"]})  # fmt: skip
    assert set(run.metrics["baselines"]) == {"linear", "untrained"}
    known = split_fingerprints(run.path / "baselines" / "linear")
    assert all(known[split].find_seen(row.text for row in data.split(split)).all() for split in ("train", "validation"))
