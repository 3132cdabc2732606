"""Every architecture with every objective: it trains, is interrupted, goes on, is saved, and answers the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_data
from insula.core.progress import Silent
from insula.core.scheme import Kind
from insula.inference.predictor import Predictor
from insula.training.families import families
from insula.training.objectives import objectives
from insula.training.recipe import load_recipe
from insula.training.run import train_run
from interrupt import Interrupt

NETWORKS = [name for name in families if families[name].neural]
FITTING = [(name, objectives[name].kinds[-1]) for name in objectives]


@pytest.mark.usefixtures("without_export")
@pytest.mark.parametrize("family", NETWORKS)
@pytest.mark.parametrize(("objective", "kind"), FITTING)
def test_it_trains_resumes_and_answers_the_same(
    tmp_path: Path,
    tiny_recipe: Callable[..., dict[str, Any]],
    family: str,
    objective: str,
    kind: Kind,
) -> None:
    settings = {"objective.name": objective, "train.epochs": 2, "evaluation.baselines": [], "model.dropout": 0.2}
    recipe = load_recipe(tiny_recipe(family, settings))
    data = toy_data.toy_dataset(kind, train=48, validation=12, test=6)
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
