"""Recorded losses of the first updates detect code changes that change a training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import Trainer

import toy_data
from insula.core.scheme import Kind
from insula.data.dataset import Dataset
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run

RecipeOf = Callable[..., dict[str, Any]]

R_DROP: dict[str, Any] = {"objective.r_drop": 0.7, "model.dropout": 0.3}
LEVELS: dict[str, Any] = {"objective.levels": 0.7}
CASES: dict[str, tuple[str, Kind, dict[str, Any], tuple[Kind, ...]]] = {
    # family, kind, overrides, kinds of the auxiliary sets; "distil" in a name adds a teacher and unlabelled texts
    "coral": ("encoder", "ordinal", {"objective.name": "coral"}, ()),
    "levels and r-drop": ("encoder", "single", {**LEVELS, **R_DROP}, ()),
    "distil on cached layers": ("encoder", "binary", {"train.freeze_layers": 1}, ()),
    "distil and ccc": ("textcnn", "dimensional", {"objective.name": "ccc", "distil.weight": 0.3}, ()),
    "tasks and r-drop": ("lstm", "binary", {**R_DROP, "auxiliary.weight": 0.3}, ("ordinal", "dimensional")),
    "distil and everything": ("encoder", "multi", {**LEVELS, **R_DROP, "train.accumulation": 2}, ("single",)),
}
RECORDED: dict[str, list[float]] = {
    "coral": [1.333860, 1.195301],
    "levels and r-drop": [1.567948, 1.528196],
    "distil on cached layers": [1.485978, 1.542050, 1.704512, 1.646722],
    "distil and ccc": [0.642104, 0.589890, 0.890912, 0.822060],
    "tasks and r-drop": [0.329584, 0.329584, 0.416000, 0.416333, 0.693147, 0.693440],
    "distil and everything": [0.665014, 0.514974, 0.501179, 0.588542, 0.520488, 0.746279, 1.430268],
}


@pytest.fixture
def losses(
    tmp_path: Path, tiny_recipe: RecipeOf, monkeypatch: pytest.MonkeyPatch, without_export: None
) -> Callable[[str], list[float]]:
    """The losses of the batches of a case's first epoch: `losses("coral")`."""
    found: list[float] = []
    step = Trainer.training_step

    def recorded(*args: Any, **kwargs: Any) -> Any:
        loss = step(*args, **kwargs)
        found.append(float(loss))
        return loss

    def run(case: str) -> list[float]:
        family, kind, overrides, others = CASES[case]
        settings = {"train.epochs": 1, "train.precision": "float32", "evaluation.baselines": [], **overrides}
        if case.startswith("distil"):
            settings |= {"distil.teachers": [_teacher(kind, tmp_path)], "distil.unlabelled": [_texts(kind, tmp_path)]}
        monkeypatch.setattr(Trainer, "training_step", recorded)
        encoder = {"dropout": 0.1} if family == "encoder" else {}
        train_run(_data(kind, others), load_recipe(tiny_recipe(family, settings, **encoder)), tmp_path / "run")
        return found

    return run


def _data(kind: Kind, others: tuple[Kind, ...]) -> Dataset:
    data = toy_data.toy_dataset(kind, train=32, validation=16, test=0, seed=3)
    first, *rest = data.scheme.names
    scheme = dataclasses.replace(data.scheme, mappings={"sides": {first: "one", **dict.fromkeys(rest, "other")}})
    also = tuple(toy_data.toy_dataset(other, train=30, validation=0, test=0, seed=9) for other in others)
    return Dataset(data.name, scheme if kind in ("single", "multi") else data.scheme, data.splits, also=also)


def _teacher(kind: Kind, folder: Path) -> str:
    data = toy_data.toy_dataset(kind, train=120, validation=40, test=0, seed=7)
    recipe = load_recipe({"model": {"name": "linear"}, "evaluation": {"baselines": []}})
    return str(train_run(data, recipe, folder / "teacher").path)


def _texts(kind: Kind, folder: Path) -> str:
    rows = toy_data.toy_dataset(kind, train=30, validation=0, test=0, seed=11).split("train")
    file = folder / "texts.txt"
    file.write_text("\n".join(example.text for example in rows) + "\n", encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("case", CASES)
def test_the_first_losses_match_the_record(losses: Callable[[str], list[float]], case: str) -> None:
    assert losses(case) == pytest.approx(RECORDED[case], rel=2e-4)
