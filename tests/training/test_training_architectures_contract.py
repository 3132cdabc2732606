"""Contract of every architecture with every head and objective: it trains, resumes and reloads.

The default run has each architecture with one of the heads, in turn.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers.modeling_utils
from safetensors.torch import load_file

import toy_data
from insula.core.progress import Silent
from insula.inference.predictor import Predictor
from insula.training.families.registry import families
from insula.training.objectives.registry import choose_objective, objectives
from insula.training.options.objective import ObjectiveOptions
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run
from interrupt import Interrupt

NETWORKS = [name for name in families if families[name].neural]
KINDS = {name: objectives[name].kinds[-1] for name in objectives}
HEADS = {
    name: choose_objective(ObjectiveOptions(name=name), toy_data.SCHEMES[kind]).head for name, kind in KINDS.items()
}
# A loss depends on logits only: one architecture is tested with every objective, the others with each head.
ONE_A_HEAD = list({head: name for name, head in HEADS.items()}.values())
PAIRS = [(family, name) for family in NETWORKS for name in (objectives if family == "encoder" else ONE_A_HEAD)]
IN_TURN = dict(zip(NETWORKS, itertools.cycle(ONE_A_HEAD)))


@pytest.mark.usefixtures("without_export")
@pytest.mark.parametrize(
    ("family", "objective"),
    [pytest.param(*pair, marks=[] if IN_TURN[pair[0]] == pair[1] else pytest.mark.slow) for pair in PAIRS],
)
def test_an_architecture_trains_resumes_and_reloads(
    tmp_path: Path,
    tiny_recipe: Callable[..., dict[str, Any]],
    family: str,
    objective: str,
) -> None:
    settings = {"objective.name": objective, "train.epochs": 2, "evaluation.baselines": [], "model.dropout": 0.2}
    recipe = load_recipe(tiny_recipe(family, settings))
    data = toy_data.toy_dataset(KINDS[objective], train=48, validation=12, test=6)
    whole = train_run(data, recipe, tmp_path / "whole", progress=Silent())
    with pytest.raises(KeyboardInterrupt):
        train_run(data, recipe, tmp_path / "run", progress=Interrupt(4))
    resumed = train_run(data, recipe, tmp_path / "run", resume=True, progress=Silent())
    texts = [row.text for row in data.split("test")]
    answers = Predictor.load(whole.model).logits(texts)
    assert np.isfinite(answers).all()
    np.testing.assert_allclose(Predictor.load(resumed.model).logits(texts), answers, atol=1e-5)
    np.testing.assert_array_equal(Predictor.load(whole.path).logits(texts), answers)
    assert [row["loss"] for row in resumed.metrics["history"] if "loss" in row] == [
        row["loss"] for row in whole.metrics["history"] if "loss" in row
    ]


@pytest.mark.usefixtures("without_export")
@pytest.mark.parametrize("family", [name for name in families if families[name].checkpoints])
def test_gradient_checkpointing_changes_no_result(
    tmp_path: Path, tiny_recipe: Callable[..., dict[str, Any]], family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, calls = transformers.modeling_utils.checkpoint, []

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return checkpoint(*args, **kwargs)

    monkeypatch.setattr(transformers.modeling_utils, "checkpoint", counted)
    data, runs = toy_data.toy_dataset("single", train=48, validation=12, test=6), []
    for again in (False, True):
        settings = {"train.epochs": 1, "evaluation.baselines": [], "model.dropout": 0.2}
        recipe = load_recipe(tiny_recipe(family, {**settings, "train.gradient_checkpointing": again}))
        runs.append(train_run(data, recipe, tmp_path / str(again), progress=Silent()))
        assert bool(calls) == again
    kept, made = (load_file(run.model / "model.safetensors") for run in runs)
    for name, value in kept.items():
        torch.testing.assert_close(made[name], value, atol=1e-6, rtol=0)
    losses = [[row["loss"] for row in run.metrics["history"] if "loss" in row] for run in runs]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
