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
from insula.inference.backends import backends
from insula.inference.predictor import Predictor
from insula.inference.torch_backend import TorchBackend
from insula.training import network
from insula.training.families import families
from insula.training.objectives import objectives
from insula.training.recipe import load_recipe
from insula.training.run import train_run

NETWORKS = [name for name in families if families[name].neural]
FITTING = [(name, objectives[name].kinds[-1]) for name in objectives]


class Interrupt(Silent):
    """Presses Ctrl-C after so many steps of training."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.training = False

    def start(self, task: str, total: int | None = None) -> None:
        self.training = task == "training"

    def advance(self, steps: int = 1, **figures: float) -> None:
        if self.training:
            self.after -= steps
            if self.after == 0:
                raise KeyboardInterrupt


@pytest.mark.parametrize("family", NETWORKS)
@pytest.mark.parametrize(("objective", "kind"), FITTING)
def test_it_trains_resumes_and_answers_the_same(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_recipe: Callable[..., dict[str, Any]],
    family: str,
    objective: str,
    kind: Kind,
) -> None:
    # The export takes longer than these runs, and knows nothing of objectives.
    monkeypatch.setattr(network, "export_onnx", lambda model, file: None)
    monkeypatch.setitem(backends._loaded, "onnx", TorchBackend)
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
