"""Scores that a neural fit reports during training, and stopping it from `report`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from insula.data.dataset import Dataset
from insula.training.fit_model import fit_model
from insula.training.fitting import RunContext
from insula.training.plan import plan_training
from insula.training.recipe.recipe import load_recipe

pytestmark = pytest.mark.usefixtures("without_export")


class HeardEnoughError(Exception):
    """Raised by `report` to stop the training."""


@pytest.fixture
def fit(tmp_path: Path, tiny_recipe: Callable[..., Any], toy_dataset: Callable[..., Dataset]) -> Any:
    def run(report: Callable[[int, float], None]) -> Any:
        recipe = load_recipe(tiny_recipe("encoder", {"train.epochs": 3}))
        data = toy_dataset("single", train=64, validation=30, test=0)
        stage = tmp_path / "stage"
        stage.mkdir()
        plan = plan_training(data, recipe, "en")
        return fit_model(data, plan, RunContext(tmp_path, report=report), stage)

    return run


def test_each_evaluation_is_reported(fit: Any) -> None:
    reported: list[tuple[int, float]] = []
    trained = fit(lambda step, score: reported.append((step, score)))
    scores = [(int(row["step"]), row["validation_macro_f1"])
              for row in trained.fitted.history if "validation_macro_f1" in row]  # fmt: skip
    assert len(reported) == 3
    assert reported == scores


def test_an_exception_of_report_ends_the_training(fit: Any) -> None:
    heard = []

    def stop(step: int, score: float) -> None:
        heard.append(step)
        raise HeardEnoughError

    with pytest.raises(HeardEnoughError):
        fit(stop)
    assert len(heard) == 1
