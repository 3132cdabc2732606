"""The nearest training rows: which are found, by which features, and where they come from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import insula
import toy_data
from insula.cli.app import app
from insula.core.errors import DataError
from insula.core.example import Example
from insula.explanation.nearest import OWN, TFIDF, NearestFinder
from insula.inference.predictor import Predictor

ROWS = [
    Example(text="a wonderful walk by the river", labels=("positive",)),
    Example(text="an awful walk by the river", labels=("negative",)),
    Example(text="the table is made of wood", labels=("neutral",)),
    Example(text="without a label"),
]


@pytest.fixture(scope="module")
def model(trained_run: Callable[..., Any]) -> Path:
    return Path(trained_run("linear", "single").path)


class Silent:
    """A backend without features of its own."""

    def __init__(self, model: Any) -> None:
        self.logits = model.logits


@pytest.mark.parametrize("own", [True, False])
def test_a_row_is_nearest_to_itself(model: Path, own: bool) -> None:
    predictor = Predictor.load(model)
    if not own:
        predictor.backend = Silent(predictor.backend)
    rows = [*ROWS, *toy_data.toy_dataset("single").split("train")[:40]]
    found = NearestFinder(predictor, rows).find("a wonderful walk by the river", count=2)
    assert found.features == (OWN if own else TFIDF)
    assert found.rows == 43
    assert found.label == "positive"
    first = found.supporting[0]
    assert first.text == "a wonderful walk by the river"
    assert first.similarity == first.influence == pytest.approx(1.0, abs=1e-5)
    assert len(found.opposing) == 2
    assert all("positive" not in one.labels and one.influence == -one.similarity for one in found.opposing)
    assert found.opposing[0].text == "an awful walk by the river"


def test_static_models_compare_their_mean_vectors() -> None:
    import numpy as np

    from insula.models.networks.averaged import StaticNetwork

    table = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    model = StaticNetwork(table, None, lambda mean, _: mean, {})
    assert model.average(np.array([0, 1, 1]), np.array([1, 2])).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_the_command_reads_the_named_rows(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "train.csv"
    lines = [f"{row.text},{row.labels[0]}" for row in ROWS if row.labels]
    file.write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    given = ["explain", "a wonderful walk", "-m", str(model), "--nearest", "--data", str(file)]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    assert "nearest rows that support positive" in result.stdout
    assert "a wonderful walk by the river" in result.stdout
    assert "does not measure it" in result.stderr
    row = json.loads(CliRunner().invoke(app, [*given, "--json"]).stdout)
    assert row["nearest"]["supporting"][0]["labels"] == ["positive"]
    assert row["nearest"]["rows"] == 3


def test_a_model_without_its_rows_says_so(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model / "model", tmp_path / "alone")
    with pytest.raises(DataError, match="does not record its training data"):
        insula.find_nearest("a walk", tmp_path / "alone")


def test_what_cannot_be_compared_is_an_error(model: Path, trained_run: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match="need labelled rows"):
        NearestFinder(Predictor.load(model), ROWS[-1:])
    with pytest.raises(DataError, match="support or oppose a label"):
        NearestFinder(Predictor.load(trained_run("linear", "dimensional").path), ROWS)
    with pytest.raises(DataError):
        NearestFinder(Predictor.load(model), ROWS).find("  ")


def test_nearest_is_for_texts_on_the_command_line() -> None:
    result = CliRunner().invoke(app, ["explain", "--nearest", "--data", "rows.csv"])
    assert result.exit_code == 2
    assert "--nearest explains texts on the command line" in " ".join(result.output.replace("│", " ").split())
