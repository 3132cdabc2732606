"""Learning rate and gradient norm at each update of a real training."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from insula.core.targets import build_gold_matrix, collect_weights
from insula.data.dataset import Dataset
from insula.training.fitters import scratch as fit_scratch
from insula.training.fitting import PreparedRows, Rows, RunContext
from insula.training.plan import plan_training
from insula.training.recipe.recipe import load_recipe

RATE, STEPS = 0.01, 20
FALLS: dict[str, Callable[[float], float]] = {
    "linear": lambda done: 1 - done,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
    "constant": lambda done: 1.0,
}


class Updates(TrainerCallback):
    """Records learning rate and gradient at each update."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.gradients: list[torch.Tensor] = []

    def on_pre_optimizer_step(self, *_: Any, model: Any, optimizer: Any, **__: Any) -> None:
        self.rates.append(optimizer.param_groups[0]["lr"])
        self.gradients.append(torch.cat([one.grad.flatten() for one in model.parameters() if one.grad is not None]))


@pytest.fixture
def updates(tmp_path: Path, toy_dataset: Callable[..., Dataset]) -> Callable[..., Updates]:
    """Train a tiny `static` network for 20 updates: `updates(schedule="cosine")`."""

    def run(**train: Any) -> Updates:
        seen, data = Updates(), toy_dataset("single", train=64, validation=0, test=0)
        model = {"name": "static", "width": 8, "dropout": 0.0}
        settings = {"epochs": 5, "batch_size": 16, "learning_rate": RATE, "optimiser": "sgd", "precision": "float32"}
        recipe, rows = load_recipe({"model": model, "train": settings | train}), data.split("train")
        train_rows = Rows([row.text for row in rows], build_gold_matrix(data.scheme, rows), collect_weights(rows))
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        plan = plan_training(data, recipe, None)
        fit_scratch.fit(plan, PreparedRows(train_rows), RunContext(folder, callbacks=[seen]))
        return seen

    return run


@pytest.mark.parametrize("warmup", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("schedule", list(FALLS))
def test_the_rate_warms_up_and_falls_by_its_schedule(
    updates: Callable[..., Updates], schedule: str, warmup: float
) -> None:
    rising = int(warmup * STEPS)
    wanted = [
        RATE * (step / rising if step < rising else FALLS[schedule]((step - rising) / (STEPS - rising)))
        for step in range(STEPS)
    ]
    assert updates(schedule=schedule, warmup=warmup).rates == pytest.approx(wanted, abs=1e-9)


def test_gradients_are_clipped_to_the_norm(updates: Callable[..., Updates]) -> None:
    free, short = updates(max_gradient_norm=1e6).gradients, updates(max_gradient_norm=0.01).gradients
    assert min(float(one.norm()) for one in free) > 0.01
    assert [float(one.norm()) for one in short] == pytest.approx([0.01] * STEPS, rel=1e-3)
    # At the first update both networks are the same: it points where it did.
    torch.testing.assert_close(short[0], free[0] * 0.01 / free[0].norm(), rtol=1e-3, atol=1e-7)
