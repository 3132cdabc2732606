"""What odd columns and cells do: refused in words, or counted, never taken without a word."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import insula
from insula.core.errors import DataError


def write(path: Path, header: list[str], rows: list[list[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def rows(count: int = 60) -> list[list[object]]:
    return [[f"message {number} of the day", "bad" if number % 2 else "good"] for number in range(count)]


def test_columns_may_be_named_without_options(tmp_path: Path) -> None:
    file = write(tmp_path / "m.csv", ["said", "mood"], rows())
    data = insula.load_dataset(file, text="said", label="mood")
    assert set(data.scheme.names) == {"bad", "good"}
    assert len(data.split("train")) > 40


def test_a_label_column_named_twice_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "m.csv", ["said", "mood"], rows())
    with pytest.raises(DataError, match=r"must differ\. Got 'mood' more than once"):
        insula.load_dataset(file, text="said", label=("mood", "mood"))


def test_a_weight_beyond_all_measure_is_dropped_and_counted(tmp_path: Path) -> None:
    weighted = [[*row, 1e308 if number == 3 else 1.0] for number, row in enumerate(rows())]
    data = insula.load_dataset(write(tmp_path / "m.csv", ["text", "label", "weight"], weighted))
    assert "1 with a weight that is not a number from 0 to 1e9" in " ".join(data.notes)
    assert np.isfinite(sum(example.weight for example in data.split("train")))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["binary", "single", "multi"])
def test_a_class_without_weight_upsets_no_solver(kind: str, tmp_path: Path) -> None:
    import dataclasses

    import toy_data
    from insula.training.recipe.recipe import load_recipe
    from insula.training.run import train_run

    data = toy_data.toy_dataset(kind, train=60, validation=30, test=0)  # type: ignore[arg-type]
    light = [dataclasses.replace(one, weight=0.0 if "positive" in (one.labels or ()) else 1.0)
             for one in data.split("train")]  # fmt: skip
    data = dataclasses.replace(data, splits={**data.splits, "train": light})
    recipe = load_recipe("linear", {"evaluation.resamples": 100, "model.strengths": 1.0})
    run = train_run(data, recipe, tmp_path / "run")
    assert run.metrics["validation"] is not None
