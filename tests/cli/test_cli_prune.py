"""`insula model prune`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_messages import failed

from insula.cli.model.prune import _print_result

QUICK = ("--set", "evaluation.baselines=[]", "--set", "evaluation.resamples=100")


@pytest.mark.usefixtures("torch_only")
def test_a_model_is_pruned_and_predicts(
    insula: Callable[..., Any], here: Path, mood: Path, trained_run: Callable[..., Any]
) -> None:
    run = trained_run("encoder", "single").path
    said = insula(
        "model", "prune", "-m", run, "--data", mood, "-o", "small", "--layers", "1", "--heads", "0.75", "--width",
        "0.5", "--epochs", "4", "--max-loss", "1", *QUICK,
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "of 2, counted from 0" in said.stdout
    assert "heads       3 per layer" in said.stdout
    assert "width       32 per layer" in said.stdout
    assert "MB before" in said.stdout
    answer = insula("predict", "lovely wonderful day", "-m", "small", "--json")
    assert json.loads(answer.stdout)["label"] == "positive"
    failed(insula("model", "prune", "-m", run, "--data", mood, "-o", "small", "--layers", "1"), "--overwrite")
    again = insula(
        "model", "prune", "-m", run, "--data", mood, "-o", "small", "--width", "0.5", *QUICK, "--overwrite", "--json",
        "--quiet",
    )  # fmt: skip
    told = json.loads(again.stdout)
    assert told["kept"]["widths"] == [32, 32]
    assert told["validation"]["rows"] == 60


def test_a_figure_that_is_undefined_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    validation = {
        "rows": 60,
        "agreement": None,
        "metric": "pearson",
        "before": None,
        "after": None,
        "loss": {"value": None, "low": None, "high": None},
    }
    kept = {"layers": [0], "heads": [[0]], "widths": [8], "before": {"layers": 2}}
    run = SimpleNamespace(model=Path("model"), report=Path("report.html"))
    sizes = {"bytes": 1, "bytes_before": 2, "parameters": 3, "parameters_before": None}
    _print_result(SimpleNamespace(run=run, kept=kept, validation=validation, **sizes))  # type: ignore[arg-type]
    said = capsys.readouterr().out
    assert "mean Pearson r undefined, undefined before, on 60 validation rows\nloss        undefined\n" in said


def test_bad_values_end_with_a_sentence(
    insula: Callable[..., Any], here: Path, mood: Path, trained_run: Callable[..., Any]
) -> None:
    prune = ("model", "prune", "-m", trained_run("encoder", "single").path, "-o", "small")
    failed(insula(*prune, "--data", mood), "must prune something")
    failed(insula(*prune, "--data", mood, "--layers", "9"), "must be from 1 to 2")
    failed(insula(*prune, "--data", mood, "--heads", "0"), "The heads to keep must be a share")
    failed(insula(*prune, "--layers", "1"), "--data")
    assert not (here / "small").exists()
