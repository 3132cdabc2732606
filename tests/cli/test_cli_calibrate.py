"""`insula model calibrate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import toy_data
from insula.data.formats.writers import open_writer


def test_on_the_command_line(tmp_path: Path, insula: Callable[..., Any], trained_run: Callable[..., Any]) -> None:
    run = trained_run("linear", "single")
    rows = tmp_path / "rows.jsonl"
    examples = toy_data.toy_dataset("single", train=120, validation=0, test=0, seed=23).split("train")
    with open_writer(rows) as writer:
        writer.write([{"text": one.text, "label": (one.labels or ("",))[0]} for one in examples])
    call = ("model", "calibrate", "-m", run.path, "--data", rows, "--coverage", "0.8", "--class-offsets")
    said = insula(*call, "-o", tmp_path / "new")
    assert said.exit_code == 0, said.output
    assert "cross-fitted rows" in said.output
    assert "answered" in said.output
    told = json.loads(insula(*call, "-o", tmp_path / "new", "--overwrite", "--json", "-q").output)
    assert (told["rows"], told["metric"], told["path"]) == (120, "macro_f1", str(tmp_path / "new"))
    old = insula(*("--rows" if one == "--data" else one for one in call), "-o", tmp_path / "old", "-q")
    assert (old.exit_code, "--rows is now called --data" in old.stderr) == (0, True)
    refused = insula("model", "calibrate", "-m", run.path, "-o", tmp_path / "other", "--text", "words")
    assert refused.exit_code == 2
    assert "need --data" in refused.output
    assert insula("predict", "so happy and wonderful", "-m", tmp_path / "new").exit_code == 0
