"""Experiment trackers: one in memory, and the real packages in their own environment."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sysconfig
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerCallback

import insula.training.tracking.tracking as tracking
from insula.api.training import resume_training, train
from insula.core.errors import MissingExtraError, UnknownNameError
from insula.core.progress import Silent
from insula.data.dataset import Dataset
from insula.training.tracking.tracking import trackers

ROOT = Path(__file__).parents[2]


class _Watch(TrainerCallback):
    def __init__(self, logs: list[dict[str, float]]) -> None:
        self.logs = logs

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        self.logs.append(dict(logs))


class _Remembers:
    """A tracker that records its calls."""

    made: list[_Remembers]

    def __init__(self) -> None:
        self.logs: list[dict[str, float]] = []
        self.failed = False
        self.figures: Mapping[str, float] = {}
        self.made.append(self)

    def start(self, name: str, recipe: Mapping[str, Any], logs: Path, known: str | None) -> str:
        assert logs.is_dir()
        self.name, self.recipe, self.known = name, recipe, known
        return known or "one"

    def callback(self) -> Any:
        return _Watch(self.logs)

    def finish(self, figures: Mapping[str, float], report: Path) -> None:
        assert report.is_file()
        self.figures = figures

    def fail(self) -> None:
        self.failed = True


class _Stop(Silent):
    def __init__(self) -> None:
        self.left = 6
        self.training = False

    def start(self, task: str, total: int | None = None) -> None:
        self.training = task == "training"

    def advance(self, steps: int = 1, **figures: float) -> None:
        self.left -= steps if self.training else 0
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.fixture
def recipe(tiny_recipe: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Quickly trained, and not exported."""
    adapter = {"adapter.method": "bottleneck", "adapter.merge": False}
    return tiny_recipe("encoder", {"train.epochs": 2, "evaluation.baselines": [], **adapter})


@pytest.fixture
def source(tmp_path: Path, toy_dataset: Callable[..., Dataset]) -> Path:
    """A folder with a file for each split."""
    (tmp_path / "toy").mkdir()
    for split, examples in toy_dataset("single", train=64, validation=20, test=20).splits.items():
        rows = [json.dumps({"text": e.text, "label": (e.labels or ())[0]}, ensure_ascii=False) for e in examples]
        (tmp_path / "toy" / f"{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path / "toy"


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> list[_Remembers]:
    """The trackers made under the name `memory`."""
    monkeypatch.setattr(_Remembers, "made", [], raising=False)
    monkeypatch.setitem(trackers._members, "memory", _Remembers)
    return _Remembers.made


def test_a_run_is_tracked_from_recipe_to_result(
    tmp_path: Path, source: Path, recipe: dict[str, Any], remembered: list[_Remembers]
) -> None:
    run = train(source, recipe=recipe, output=tmp_path / "run", track=["memory"])
    (tracked,) = remembered
    assert (tracked.name, tracked.known, tracked.failed) == ("run", None, False)
    assert tracked.recipe["recipe.train.epochs"] == 2
    assert tracked.recipe["recipe.adapter.method"] == "bottleneck"
    assert {"loss", "learning_rate", "eval_loss", "eval_macro_f1"} <= {name for logs in tracked.logs for name in logs}
    assert tracked.figures["test/macro_f1"] == run.metrics["test"]["metrics"]["macro_f1"]["value"]
    assert tracked.figures["model/trainable_parameters"] == run.metrics["model"]["trainable_parameters"]
    assert tracked.figures["time/train_seconds"] == run.metrics["time"]["train_seconds"]


def test_a_resumed_run_keeps_its_tracked_run(
    tmp_path: Path, source: Path, recipe: dict[str, Any], remembered: list[_Remembers]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(source, recipe=recipe, output=tmp_path / "run", track=["memory"], progress=_Stop())
    resume_training(tmp_path / "run")
    stopped, gone_on = remembered
    assert (stopped.known, stopped.failed, stopped.figures) == (None, True, {})
    assert (gone_on.known, gone_on.failed) == ("one", False)
    assert "test/macro_f1" in gone_on.figures


def test_unusable_trackers_are_rejected_before_training(
    tmp_path: Path, source: Path, recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'wandb'"):
        train(source, recipe=recipe, output=tmp_path / "run", track=["wand"])

    def missing(module: str, *, extra: str, purpose: str) -> None:
        raise MissingExtraError(f"{module} {extra}: {purpose}")

    monkeypatch.setattr(tracking, "require", missing)
    for name in ("wandb", "mlflow"):
        with pytest.raises(MissingExtraError, match=f"{name} {name}: track a run with {name}"):
            train(source, recipe=recipe, output=tmp_path / "run", track=[name])
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_wandb_and_mlflow_for_real(tmp_path: Path, source: Path, recipe: dict[str, Any]) -> None:
    """Both packages in a separate environment that also has the packages of this one."""
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    inner = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    (inner / "outer.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT / 'src'}\n", encoding="utf-8")
    packages = ["wandb", "mlflow-skinny", "sqlalchemy", "alembic"]
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *constraints, *packages], check=True, timeout=1200)
    (tmp_path / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    code = (
        "import json, sys\nfrom insula.api.training import train\n"
        "train(sys.argv[1], recipe=json.load(open('recipe.json')), output='run', track=['wandb', 'mlflow'])\n"
    )
    settings = {**os.environ, "WANDB_MODE": "offline", "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}
    done = subprocess.run(
        [python, "-c", code, source],
        cwd=tmp_path,
        env=settings,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    known = json.loads((tmp_path / "run" / "tracking.json").read_text(encoding="utf-8"))

    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("select run_uuid, name, status from runs").fetchall() == [
            (known["mlflow"], "run", "FINISHED")
        ]
        parameters = dict(database.execute("select key, value from params").fetchall())
        figures = dict(database.execute("select key, value from latest_metrics").fetchall())
        tags = dict(database.execute("select key, value from tags").fetchall())
    assert parameters["recipe.train.epochs"] == "2.0"
    assert {"loss", "learning_rate", "eval_macro_f1"} <= set(figures)
    assert figures["test/macro_f1"] == pytest.approx(metrics["test"]["metrics"]["macro_f1"]["value"])
    assert tags["report"] == str(tmp_path / "run" / "report.html")

    (kept,) = (tmp_path / "run" / "logs").glob(f"wandb/offline-run-*/run-{known['wandb']}.wandb")
    content = kept.read_bytes()
    for name in (b"recipe.train.epochs", b"train/loss", b"eval/macro_f1", b"test/macro_f1", b"report.html"):
        assert name in content, name
