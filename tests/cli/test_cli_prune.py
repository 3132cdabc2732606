"""`insula model prune`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli_messages import failed

QUICK = ("--set", "evaluation.baselines=[]", "--set", "evaluation.resamples=100")


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
    assert "heads       3 by layer" in said.stdout
    assert "width       32 by layer" in said.stdout
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


def test_bad_values_end_with_a_sentence(
    insula: Callable[..., Any], here: Path, mood: Path, trained_run: Callable[..., Any]
) -> None:
    prune = ("model", "prune", "-m", trained_run("encoder", "single").path, "-o", "small")
    failed(insula(*prune, "--data", mood), "must drop something")
    failed(insula(*prune, "--data", mood, "--layers", "9"), "must be 1 to 2")
    failed(insula(*prune, "--data", mood, "--heads", "0"), "The heads to keep must be a share")
    failed(insula(*prune, "--layers", "1"), "--data")
    assert not (here / "small").exists()
