"""The plan of a training: resolved once, and used by rows, baselines and families."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_data
from insula.core.errors import DataError, RecipeError
from insula.core.example import Example
from insula.data.dataset import Dataset
from insula.training.families import base as bases
from insula.training.families.linear import LinearOptions
from insula.training.families.registry import Family, families
from insula.training.fitting import RunContext
from insula.training.options.distil import DistilOptions
from insula.training.options.objective import ObjectiveOptions
from insula.training.plan import plan_baseline, plan_training, prepare_rows
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run
from insula.training.transfer.distil import UNLABELLED

RecipeOf = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.usefixtures("without_export")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts how often an encoder was located and a model folder opened as a base."""
    found = {"locate_encoder": 0, "open_folder": 0}

    def counted(name: str) -> Callable[..., Any]:
        function = getattr(bases, name)

        def call(*args: Any) -> Any:
            found[name] += 1
            return function(*args)

        return call

    for name in found:
        monkeypatch.setattr(bases, name, counted(name))
    return found


def test_the_base_is_located_once_a_run(tmp_path: Path, tiny_recipe: RecipeOf, calls: dict[str, int]) -> None:
    data = toy_data.toy_dataset("single", train=32, validation=16, test=10)
    settings = {"train.epochs": 1, "evaluation.baselines": ["untrained", "linear"]}
    first = train_run(data, load_recipe(tiny_recipe("encoder", settings)), tmp_path / "first")
    assert calls == {"locate_encoder": 1, "open_folder": 0}
    again = load_recipe(tiny_recipe("encoder", {**settings, "model.base": str(first.model)}))
    second = train_run(data, again, tmp_path / "second")
    assert calls == {"locate_encoder": 2, "open_folder": 1}
    assert set(first.metrics["baselines"]) == {"untrained", "linear"}
    assert set(second.metrics["baselines"]) == {"linear"}  # its base knew the labels
    assert set(first.metrics["training"]) == {"precision", "rows", "truncated_rows"}


def test_a_baseline_has_the_rows_and_no_options(tiny_recipe: RecipeOf) -> None:
    data = toy_data.toy_dataset("single", train=20, validation=10, test=0)
    settings = {"objective.r_drop": 1.0, "preparation.steps": ["lowercase"], "train.epochs": 7}
    recipe = load_recipe(tiny_recipe("encoder", settings))
    plan = plan_training(data, recipe, "en")
    assert (plan.objective.r_drop, plan.preparation.steps, plan.train.epochs) == (1.0, ("lowercase",), 7)
    assert plan.base is not None
    linear = plan_baseline(data, recipe, "en", LinearOptions())
    assert (linear.objective, linear.distil, linear.base) == (ObjectiveOptions(), DistilOptions(), None)
    assert linear.preparation.steps == families["linear"].steps(LinearOptions())


def test_columns_describe_the_rows(tmp_path: Path, tiny_recipe: RecipeOf, monkeypatch: pytest.MonkeyPatch) -> None:
    other = toy_data.toy_dataset("multi", train=3, validation=0, test=0, seed=8)
    data = toy_data.toy_dataset("single", train=4, validation=2, test=0, seed=3)
    splits = {**data.splits, UNLABELLED: [Example(text="one"), Example(text="two")]}
    data = Dataset(data.name, data.scheme, splits, also=(other,))
    scores = np.full((6, 3), 0.25)
    monkeypatch.setattr("insula.training.transfer.distil.compute_teacher_scores", lambda *_: scores)
    plan = plan_training(data, load_recipe(tiny_recipe("encoder", {"distil.teachers": ["runs/teacher"]})), "en")
    rows = prepare_rows(data, plan, RunContext(tmp_path))
    train = rows.train
    assert len(train) == 4 + 2 + 3
    assert train.labelled is not None
    assert train.labelled.tolist() == [True] * 4 + [False] * 5
    assert train.task is not None
    assert train.task.tolist() == [0] * 6 + [1] * 3
    assert train.teacher is not None
    np.testing.assert_array_equal(train.teacher[:6], scores)
    np.testing.assert_array_equal(train.gold[4:6], scores[4:])
    assert train.labelled_weights.tolist() == [1.0] * 4 + [0.0] * 5
    assert train.weights.tolist() == [1.0] * 9
    assert rows.validation is not None
    assert rows.validation.labelled is rows.validation.task is rows.validation.teacher is None
    (task,) = rows.tasks
    assert list(task.rows.texts) == list(train.texts)[6:]


def test_impossible_plans_are_rejected(tmp_path: Path, tiny_recipe: RecipeOf) -> None:
    data = toy_data.toy_dataset("single", train=4, validation=2, test=0)
    with pytest.raises(RecipeError, match=r"context_turns option needs earlier turns"):
        plan_training(data, load_recipe(tiny_recipe("encoder", {"preparation.context_turns": 2})), None)
    plan = plan_training(data, load_recipe(tiny_recipe("linear")), None)
    with pytest.raises(DataError, match="no training rows"):
        prepare_rows(dataclasses.replace(data, splits={"train": []}), plan, RunContext(tmp_path))


def test_families_declare_their_capabilities() -> None:
    plain = Family(LinearOptions, "a:b", lambda options: (), "a test")
    assert not plain.neural
    assert dataclasses.replace(plain, packages=("torch",)).neural
    assert dataclasses.replace(plain, packages=("jax",), gradient=True).neural
    assert not dataclasses.replace(plain, packages=("torch",), gradient=False).neural
    located = dataclasses.replace(plain, locate=lambda options: None, steps=lambda options, base: ("lowercase",))
    assert located.check(LinearOptions()) is None
    assert located.get_text_steps(LinearOptions(), None) == ("lowercase",)
