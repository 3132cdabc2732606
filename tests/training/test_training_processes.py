"""Several processes train one model: the same rows an update, one result, one writer."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from insula.api.training import train
from insula.core.errors import OutputError
from insula.data.dataset import Dataset
from insula.training.neural.processes import build_launch_command, count_processes, get_process_index
from unexported import unexported

# The export takes longer than all the rest, and is the first process's alone.
PROGRAM = """
import json, sys
from insula.training.fitters import network
from insula.api.training import train
from insula.inference.backends import backends
from insula.inference.torch_backend import TorchBackend

network.export_onnx = lambda model, file, **_: None
backends._loaded["onnx"] = TorchBackend
source, recipe, output = sys.argv[1:]
run = train(source, recipe=json.load(open(recipe)), output=output)
print("metrics" if run.metrics else "no metrics", flush=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(1000)  # three processes import torch, which takes minutes beside other busy ones
def test_two_processes_make_the_updates_of_one(
    tmp_path: Path, toy_dataset: Callable[..., Dataset], tiny_recipe: Callable[..., dict[str, Any]]
) -> None:
    (tmp_path / "toy").mkdir()
    for split, examples in toy_dataset("single", train=48, validation=20, test=20).splits.items():
        rows = [json.dumps({"text": e.text, "label": (e.labels or ())[0]}, ensure_ascii=False) for e in examples]
        (tmp_path / "toy" / f"{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    # Each update sees all rows, so that its gradient does not depend on how they are dealt out; and plain gradient
    # steps, since Adam turns the last bit of a gradient that is nearly zero into a step of full size.
    settings = tiny_recipe(
        "encoder",
        {
            "train.epochs": 4, "train.batch_size": 48, "train.learning_rate": 0.1, "train.optimiser": "sgd",
            "train.precision": "float32", "evaluation.baselines": [], "objective.r_drop": 1.0,
        },
    )  # fmt: skip
    (tmp_path / "recipe.json").write_text(json.dumps(settings), encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "temporary").mkdir()
    with unexported():
        train(tmp_path / "toy", recipe=settings, output=tmp_path / "alone")
    command = [str(tmp_path / name) for name in ("program.py", "toy", "recipe.json", "together")]
    done = subprocess.run(
        [*build_launch_command(2), *command], capture_output=True, text=True, timeout=900, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split("\n"))[-2:] == ["metrics", "no metrics"]
    outputs = (tmp_path / "alone", tmp_path / "together")
    weights = [load_file(output / "model" / "model.safetensors") for output in outputs]
    metrics = [json.loads((output / "metrics.json").read_text(encoding="utf-8")) for output in outputs]
    start = tiny_recipe("encoder")["model"]["base"]
    base = load_file(Path(start) / "model.safetensors")
    moved = [
        (weights[0][f"backbone.{name}"] - value).abs().max() for name, value in base.items() if "pooler" not in name
    ]
    assert max(moved) > 1e-3
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, atol=1e-5, rtol=0)
    steps = [max(row["step"] for row in one["history"]) for one in metrics]
    assert steps == [4, 4]
    # The mean of a term is over the rows of all processes.
    labels = [[row["loss/labels"] for row in one["history"] if "loss/labels" in row] for one in metrics]
    assert len(labels[0]) == 4
    assert labels[1] == pytest.approx(labels[0], rel=1e-4)
    scores = [one["validation"]["metrics"]["nll"]["value"] for one in metrics]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    assert not [file for file in (tmp_path / "temporary").iterdir() if file.name.startswith("insula-")]


def test_process_index_and_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (count_processes(), get_process_index()) == (1, 0)
    monkeypatch.setenv("RANK", "1")  # of no use alone
    assert get_process_index() == 0
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert (count_processes(), get_process_index()) == (2, 1)


def test_several_processes_need_a_name_for_the_run(
    monkeypatch: pytest.MonkeyPatch, toy_dataset: Callable[..., Dataset]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OutputError, match="needs a shared output folder"):
        train(toy_dataset("single"), recipe="linear")


def test_the_command_line_starts_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import insula.training.neural.processes as module
    from insula.cli.app import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["insula", "train", "data.csv", "--processes", "2"])
    started: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> Any:
        started.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(module.subprocess, "run", run)
    done = CliRunner().invoke(app, ["train", "data.csv", "--processes", "2"])
    assert done.exit_code == 3
    assert started[0][1:4] == ["-m", "accelerate.commands.launch", "--multi_gpu"]
    wanted = ["-m", "insula", "train", "data.csv", "--processes", "2", "--output", str(Path("runs/data-standard"))]
    assert started[0][-len(wanted) :] == wanted
