"""`insula model quantize`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_model_is_made_smaller(
    insula: Callable[..., Any], here: Path, mood: Path, trained_run: Callable[..., Any]
) -> None:
    run = trained_run("encoder", "single").path
    said = insula("model", "quantize", "-m", run, "--data", mood, "-o", "small", "--max-loss", "0.1")
    assert said.exit_code == 0, said.output
    assert "MB before" in said.stdout
    assert "agreement" in said.stdout
    answer = insula("predict", "lovely wonderful day", "-m", "small", "--json")
    assert json.loads(answer.stdout)["label"] == "positive"
    again = insula("model", "quantize", "-m", run, "--data", mood, "-o", "small")
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    whole = insula(
        "model", "quantize", "-m", run, "--data", mood, "-o", "small", "--weights", "8bit", "--overwrite", "--json",
        "--max-loss", "0.1",
    )  # fmt: skip
    assert json.loads(whole.stdout)["parity"]["limits"]["loss"] == 0.1


def test_without_rows_it_says_what_to_name(
    insula: Callable[..., Any], here: Path, trained_run: Callable[..., Any]
) -> None:
    said = insula("model", "quantize", "-m", trained_run("encoder", "single").path, "-o", "small")
    assert said.exit_code == 1
    assert "--data" in said.stderr
    assert not (here / "small").exists()
