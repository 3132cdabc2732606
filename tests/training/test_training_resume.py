"""Resumed runs end like uninterrupted ones."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from insula.api.training import resume_training, train
from insula.core.errors import DataError, MissingFileError, RecipeError
from insula.data.dataset import Dataset
from insula.inference.predictor import Predictor
from insula.training.neural.checkpoints import find_last_checkpoint
from insula.training.neural.trainer import EmotionTrainer
from interrupt import Interrupt
from waiting import DEADLINE

EPOCHS, STEPS_AN_EPOCH = 4, 8

pytestmark = pytest.mark.usefixtures("without_export")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, toy_dataset: Callable[..., Dataset]) -> Path:
    """A folder with a file for each split."""
    folder = tmp_path_factory.mktemp("data") / "toy"
    folder.mkdir()
    for split, examples in toy_dataset("single", train=128, validation=40, test=20).splits.items():
        rows = [
            json.dumps({"text": e.text, "label": (e.labels or ())[0], "side": "ab"[number % 2]}, ensure_ascii=False)
            for number, e in enumerate(examples)
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def recipe(tiny_recipe: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """A recipe with dropout, so that every random number counts, and a checkpoint in the middle of an epoch."""
    return tiny_recipe(
        "encoder",
        {
            "train.epochs": EPOCHS,
            "train.evaluations_per_epoch": 2,
            "train.patience": 50,
            "train.learning_rate": 1e-3,
            "model.dropout": 0.2,
            "evaluation.baselines": [],
        },
        dropout=0.1,
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, source: Path, recipe: dict[str, Any]) -> Any:
    """An uninterrupted run."""
    return train(source, recipe=recipe, output=tmp_path_factory.mktemp("undisturbed") / "run")


def _weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model" / "model.safetensors")


def _interrupted(source: Path, recipe: dict[str, Any], folder: Path, after: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(source, recipe=recipe, output=folder, progress=Interrupt(after))
    assert not (folder / "model").exists()
    assert not [entry for entry in folder.iterdir() if entry.name.endswith(".part")]


# In the middle of a later epoch, and before there is any checkpoint.
@pytest.mark.parametrize("after", [21, 2])
def test_a_resumed_run_ends_with_the_same_weights(
    tmp_path: Path, source: Path, recipe: dict[str, Any], undisturbed: Any, after: int
) -> None:
    folder = tmp_path / "run"
    _interrupted(source, recipe, folder, after)
    assert (find_last_checkpoint(folder / "checkpoints") is None) == (after == 2)
    run = resume_training(folder)
    expected = _weights(undisturbed.path)
    for name, tensor in _weights(folder).items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=0)
    losses = [row for row in undisturbed.metrics["history"] if "loss" in row]
    assert [row for row in run.metrics["history"] if "loss" in row] == losses
    assert run.metrics["test"]["metrics"] == undisturbed.metrics["test"]["metrics"]
    assert sorted(entry.name for entry in folder.iterdir()) == sorted(e.name for e in undisturbed.path.iterdir())


def test_frozen_layers_resume_as_well(tmp_path: Path, source: Path, recipe: dict[str, Any]) -> None:
    frozen = recipe | {"train": recipe["train"] | {"freeze_layers": 1, "epochs": 2}}
    whole = train(source, recipe=frozen, output=tmp_path / "whole")
    _interrupted(source, frozen, tmp_path / "run", 11)
    resume_training(tmp_path / "run")
    for name, tensor in _weights(tmp_path / "run").items():
        torch.testing.assert_close(tensor, _weights(whole.path)[name], atol=1e-6, rtol=0)


def test_the_time_of_a_resumed_run_is_the_total(
    tmp_path: Path, source: Path, recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = EmotionTrainer.add_to_checkpoint

    def slow(trainer: EmotionTrainer, folder: Path) -> None:
        trainer.began -= 1000
        keep(trainer, folder)

    with monkeypatch.context() as patch:
        patch.setattr(EmotionTrainer, "add_to_checkpoint", slow)
        _interrupted(source, recipe, tmp_path / "run", 5)  # with one checkpoint
    run = resume_training(tmp_path / "run")
    assert 1000 < run.metrics["time"]["train_seconds"] < run.metrics["time"]["total_seconds"] < 2000
    assert "seconds_before" not in run.metrics["training"]


@pytest.mark.parametrize("changes", [{"patience": 2, "learning_rate": 0.05}, {"epochs": 0.5, "schedule": "constant"}])
def test_a_resumed_run_takes_no_extra_step(
    tmp_path: Path, source: Path, recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    changed = recipe | {"train": recipe["train"] | changes}
    whole = train(source, recipe=changed, output=tmp_path / "whole")
    steps = int(whole.metrics["history"][-1]["step"])
    assert steps < EPOCHS * STEPS_AN_EPOCH
    _interrupted(source, changed, tmp_path / "before its last evaluation", steps - 1)
    with monkeypatch.context() as patch:
        patch.setattr("insula.training.measure.RunMeasurer.measure_all", stop)
        _interrupted(source, changed, tmp_path / "while it is measured", -1)
    for stopped in ("before its last evaluation", "while it is measured"):
        run = resume_training(tmp_path / stopped)
        assert run.metrics["history"] == whole.metrics["history"], stopped
        for name, tensor in _weights(run.path).items():
            torch.testing.assert_close(tensor, _weights(whole.path)[name], atol=1e-6, rtol=0)


def test_a_moved_run_keeps_its_best_step(
    tmp_path: Path, source: Path, recipe: dict[str, Any], undisturbed: Any
) -> None:
    _interrupted(source, recipe, tmp_path / "before", EPOCHS * STEPS_AN_EPOCH - 1)
    shutil.move(tmp_path / "before", tmp_path / "after")
    checkpoint = find_last_checkpoint(tmp_path / "after" / "checkpoints")
    assert checkpoint is not None
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    assert Path(state["best_model_checkpoint"]).is_dir()
    resume_training(tmp_path / "after")
    for name, tensor in _weights(tmp_path / "after").items():
        torch.testing.assert_close(tensor, _weights(undisturbed.path)[name], atol=1e-6, rtol=0)


def test_an_incomplete_checkpoint_is_skipped(tmp_path: Path) -> None:
    assert find_last_checkpoint(tmp_path / "none") is None
    for name, state, mark in (
        ("checkpoint-9", "{}", '{"trainer_state.json": 2}'),
        ("checkpoint-10", "{}", '{"trainer_state.json": 2, "model.safetensors": 5}'),
        ("checkpoint-11", None, '{"trainer_state.json": 2}'),
        ("checkpoint-99", "{}", '{"trainer'),
        ("checkpoint-100", "{}", None),
        ("unfinished", "{}", None),
    ):
        (tmp_path / name).mkdir()
        if state is not None:
            (tmp_path / name / "trainer_state.json").write_text(state, encoding="utf-8")
        if mark is not None:
            (tmp_path / name / "complete.json").write_text(mark, encoding="utf-8")
    assert find_last_checkpoint(tmp_path) == tmp_path / "checkpoint-9"


def test_a_checkpoint_holds_no_pickle_of_objects(tmp_path: Path, source: Path, recipe: dict[str, Any]) -> None:
    _interrupted(source, recipe, tmp_path / "run", 21)
    checkpoint = find_last_checkpoint(tmp_path / "run" / "checkpoints")
    assert checkpoint is not None
    assert not (checkpoint.parent / "unfinished").exists()
    assert not (checkpoint / "training_args.bin").exists()
    names = {file.name for file in checkpoint.iterdir()}
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "complete.json"} <= names
    for name in ("optimizer.pt", "scheduler.pt"):
        assert torch.load(checkpoint / name, weights_only=True)


@pytest.mark.parametrize(
    "changes", [{"averaging": 0.9, "accumulation": 2}, {"optimiser": "sgd", "precision": "bfloat16"}], ids=str
)
def test_every_kind_of_training_resumes(
    tmp_path: Path, source: Path, recipe: dict[str, Any], changes: dict[str, Any]
) -> None:
    changed = recipe | {"train": recipe["train"] | {"epochs": 2} | changes}
    whole = train(source, recipe=changed, output=tmp_path / "whole")
    _interrupted(source, changed, tmp_path / "run", 5 if "accumulation" in changes else 11)
    resume_training(tmp_path / "run")
    for name, tensor in _weights(tmp_path / "run").items():
        torch.testing.assert_close(tensor, _weights(whole.path)[name], atol=1e-6, rtol=0)
    assert whole.metrics["training"]["precision"] == changes.get("precision", whole.metrics["training"]["precision"])


def test_robust_training_resumes(tmp_path: Path, source: Path, recipe: dict[str, Any]) -> None:
    """The weights of subgroups and the random numbers of perturbations are in the checkpoints."""
    changed = recipe | {
        "train": recipe["train"] | {"epochs": 2},
        "data": {"subgroup": "side"},
        "robust": {"group_dro": 0.5, "group_rate": 0.5},
        "adversarial": {"freelb": 0.5, "vat": 0.5, "steps": 2},
    }
    whole = train(source, recipe=changed, output=tmp_path / "whole")
    _interrupted(source, changed, tmp_path / "run", 11)
    resume_training(tmp_path / "run")
    for name, tensor in _weights(tmp_path / "run").items():
        torch.testing.assert_close(tensor, _weights(whole.path)[name], atol=1e-6, rtol=0)


def test_a_killed_process_can_be_resumed(
    tmp_path: Path, source: Path, recipe: dict[str, Any], undisturbed: Any
) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    folder = tmp_path / "run"
    code = (
        "import json, os, signal, sys\n"
        "from pathlib import Path\n"
        "from insula.api.training import train\n"
        "from insula.core.progress import Silent\n"
        "class Killing(Silent):\n"
        "    def advance(self, steps=1, **figures):\n"
        "        if Path(sys.argv[3], 'checkpoints', 'checkpoint-8').exists():\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "train(sys.argv[1], recipe=json.load(open(sys.argv[2])), output=sys.argv[3], progress=Killing())\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, str(source), str(tmp_path / "recipe.json"), str(folder)],
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (folder / "checkpoints" / "checkpoint-8").exists()
    assert not (folder / "model").exists()
    resume_training(folder)
    for name, tensor in _weights(folder).items():
        torch.testing.assert_close(tensor, _weights(undisturbed.path)[name], atol=1e-6, rtol=0)
    Predictor.load(folder)


@pytest.mark.parametrize("change", ["text", "label", "order", "validation"])
def test_changed_data_are_rejected(tmp_path: Path, source: Path, recipe: dict[str, Any], change: str) -> None:
    data = tmp_path / "toy"
    shutil.copytree(source, data)
    folder = tmp_path / "run"
    _interrupted(data, recipe, folder, 5)
    file = data / ("validation.jsonl" if change == "validation" else "train.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines()
    if change == "text":
        lines[3] = lines[3].replace('"text": "', '"text": "new ')
    elif change == "order":
        lines[0], lines[1] = lines[1], lines[0]
    else:
        label = json.loads(lines[3])["label"]
        lines[3] = lines[3].replace(label, "neutral" if label != "neutral" else "positive")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="have changed since it started"):
        resume_training(folder)


def test_runs_that_cannot_be_resumed(
    tmp_path: Path, undisturbed: Any, recipe: dict[str, Any], toy_dataset: Callable[..., Dataset]
) -> None:
    with pytest.raises(RecipeError, match="is finished"):
        resume_training(undisturbed.path)
    with pytest.raises(MissingFileError):
        resume_training(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(toy_dataset("single"), recipe=recipe, output=tmp_path / "memory", progress=Interrupt(1))
    with pytest.raises(DataError, match="in memory"):
        resume_training(tmp_path / "memory")
