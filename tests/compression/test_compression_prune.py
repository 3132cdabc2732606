"""`prune_model` from end to end: a smaller run that answers alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import insula
import toy_data
from insula.compression.quantization.graph import Graph
from insula.core.errors import DataError, ModelFolderError, OutputError, ParityError, RecipeError
from insula.data.formats.writers import open_writer
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from interrupt import Interrupt

TEXTS = ["lovely wonderful day", "awful train and terrible work", "开心 today", "a plain usual table"]
QUICK = {"evaluation.baselines": []}


@pytest.fixture(scope="module")
def mood(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of the toy set as files."""
    folder = tmp_path_factory.mktemp("toy") / "mood"
    for split, examples in toy_data.toy_dataset("single").splits.items():
        with open_writer(folder / f"{split}.csv") as writer:
            writer.write([{"text": one.text, "label": (one.labels or ())[0]} for one in examples])
    return folder


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory, trained_run: Callable[..., Any], mood: Path) -> Any:
    """A tiny encoder's run with half of everything; only to read."""
    return insula.prune_model(
        trained_run("encoder", "single").path, tmp_path_factory.mktemp("pruned") / "small",
        layers=1, heads=0.5, width=0.75, epochs=2, data=mood, overrides=QUICK, command="as typed",
    )  # fmt: skip


def test_a_pruned_model_is_a_smaller_run_with_its_record(pruned: Any, trained_run: Callable[..., Any]) -> None:
    source = trained_run("encoder", "single")
    assert pruned.parameters < pruned.parameters_before == source.metrics["model"]["parameters"]
    assert pruned.bytes < pruned.bytes_before
    assert (pruned.run.path / "report.html").exists()
    folder = open_folder(pruned.run.model)
    told = json.loads((folder.path / "compression.json").read_text(encoding="utf-8"))
    assert told["command"] == "as typed"
    assert told["made_from"]["name"] == "encoder-single"
    assert told["steps"]["kept"] == folder.metrics["training"]["pruned"]
    assert told["steps"]["validation"]["rows"] == 60
    assert "compression.json" in json.loads((folder.path / "manifest.json").read_text(encoding="utf-8"))["files"]
    shape = json.loads((folder.path / "config.json").read_text(encoding="utf-8"))["pruned"]
    assert shape == {"layers": 1, "heads": [2], "widths": [48]}
    assert folder.preparation == open_folder(source.model).preparation
    assert folder.metrics["recipe"]["distil"]["teachers"] == [str(source.model)]
    assert pruned.to_dict()["validation"]["loss"]["value"] < 0.2
    json.dumps(pruned.to_dict(), allow_nan=False)


def test_torch_and_onnx_give_the_same_scores(pruned: Any) -> None:
    exported, trained = (Predictor.load(pruned.run.model, backend=name) for name in ("onnx", "torch"))
    np.testing.assert_allclose(exported.decide(TEXTS).scores, trained.decide(TEXTS).scores, atol=1e-5)
    graph = Graph.load(pruned.run.model / "model.onnx")
    assert (32, 48) in [graph.read_constant(one.weight).shape for one in graph.find_products()]


def test_a_pruned_model_is_quantised_and_both_steps_are_told(pruned: Any, tmp_path: Path) -> None:
    made = insula.quantize_model(pruned.run.path, tmp_path / "int8", max_loss=0.2)
    assert made.bytes < pruned.bytes
    labels = [answer.label for answer in Predictor.load(made.path).predict(TEXTS)]
    assert labels == [answer.label for answer in Predictor.load(pruned.run.path).predict(TEXTS)]
    told = json.loads((made.path / "compression.json").read_text(encoding="utf-8"))
    assert told["steps"]["weights"] == "int8"
    assert told["made_from"]["steps"]["kept"] == pruned.kept


@pytest.mark.usefixtures("torch_only")
def test_a_pruned_model_is_pruned_again(pruned: Any, tmp_path: Path) -> None:
    made = insula.prune_model(pruned.run.path, tmp_path / "again", heads=0.5, overrides=QUICK)
    assert made.kept["before"] == {"layers": 1, "heads": [2], "widths": [48]}
    assert [len(one) for one in made.kept["heads"]] == [1]
    assert made.parameters < pruned.parameters


@pytest.mark.usefixtures("torch_only")
@pytest.mark.parametrize("stopped", ["in training", "while it is measured"])
def test_a_resumed_run_ends_as_one_that_was_never_stopped(
    tmp_path: Path,
    pruned: Any,
    mood: Path,
    trained_run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    stopped: str,
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if stopped == "while it is measured":
            patch.setattr("insula.compression.prune.measure_pruned", stop)
        with pytest.raises(KeyboardInterrupt, match="insula train --resume"):
            insula.prune_model(
                trained_run("encoder", "single").path, tmp_path / "small", layers=1, heads=0.5, width=0.75, epochs=2,
                data=mood, overrides=QUICK, command="as typed",
                progress=Interrupt(after=15) if stopped == "in training" else None,
            )  # fmt: skip
    insula.resume_training(tmp_path / "small")
    wanted, told = (
        json.loads((run / "model" / "compression.json").read_text(encoding="utf-8"))
        for run in (pruned.run.path, tmp_path / "small")
    )
    assert told["steps"]["validation"].keys() == wanted["steps"]["validation"].keys()
    assert told | {"steps": None} == wanted | {"steps": None}
    assert told["steps"]["kept"] == wanted["steps"]["kept"]
    folder = open_folder(tmp_path / "small" / "model")
    assert "compression.json" in json.loads((folder.path / "manifest.json").read_text(encoding="utf-8"))["files"]
    with pytest.raises(RecipeError, match="is finished"):
        insula.resume_training(tmp_path / "small")


@pytest.mark.usefixtures("torch_only")
def test_what_loses_too_much_is_refused_and_kept_aside(
    tmp_path: Path, mood: Path, trained_run: Callable[..., Any]
) -> None:
    (tmp_path / "small-refused").mkdir()
    with pytest.raises(ParityError, match=r"by pruning must be at most -1 on 60 .* before, .* after.*small-refused-2'"):
        insula.prune_model(
            trained_run("encoder", "single").path, tmp_path / "small", layers=1, max_loss=-1.0, data=mood,
            overrides=QUICK,
        )  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small-refused", "small-refused-2"]
    told = json.loads((tmp_path / "small-refused-2" / "model" / "compression.json").read_text(encoding="utf-8"))
    assert told["steps"]["validation"]["loss"]["value"] > -1
    assert Predictor.load(tmp_path / "small-refused-2").predict(TEXTS)


@pytest.mark.usefixtures("torch_only")
def test_a_finished_run_is_replaced_by_one_that_passed_only(
    tmp_path: Path, mood: Path, trained_run: Callable[..., Any]
) -> None:
    def prune(layers: int, max_loss: float, progress: Interrupt | None = None) -> Any:
        return insula.prune_model(
            trained_run("encoder", "single").path, tmp_path / "small", layers=layers, heads=0.5, max_loss=max_loss,
            data=mood, overrides=QUICK, overwrite=True, progress=progress,
        )  # fmt: skip

    def logits() -> Any:
        return Predictor.load(tmp_path / "small").logits(TEXTS)

    assert prune(2, 1.0).run.path == tmp_path / "small"
    (tmp_path / "small" / "on-test").mkdir()
    before = logits()
    with pytest.raises(ParityError, match="small-refused'"):
        prune(1, -1.0)
    np.testing.assert_array_equal(logits(), before)
    made = prune(1, 1.0)
    assert made.run.path == tmp_path / "small"
    assert made.run.report.exists()
    assert len(made.kept["layers"]) == 1
    assert not np.array_equal(logits(), before)
    assert open_folder(made.run.model).metrics["name"] == "small"
    before = logits()
    with pytest.raises(KeyboardInterrupt, match="small-pruning/small"):
        prune(2, 1.0, Interrupt(after=5))
    np.testing.assert_array_equal(logits(), before)
    resumed = insula.resume_training(tmp_path / "small-pruning" / "small")
    assert resumed.path == tmp_path / "small"
    assert resumed.report.exists()
    assert not np.array_equal(logits(), before)
    assert (tmp_path / "small" / "on-test").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small", "small-refused"]


def test_what_is_no_run_is_never_replaced(tmp_path: Path, mood: Path, trained_run: Callable[..., Any]) -> None:
    (tmp_path / "work" / "model").mkdir(parents=True)
    (tmp_path / "work" / "notes.txt").touch()
    with pytest.raises(OutputError, match="new, empty or a run"):
        insula.prune_model(
            trained_run("encoder", "single").path, tmp_path / "work", layers=1, max_loss=1.0, data=mood,
            overrides=QUICK, overwrite=True,
        )  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@pytest.mark.usefixtures("torch_only")
def test_an_interrupted_run_ends_where_it_was_moved(
    tmp_path: Path, mood: Path, trained_run: Callable[..., Any]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        insula.prune_model(
            trained_run("encoder", "single").path, tmp_path / "small", layers=1, data=mood, overrides=QUICK,
            progress=Interrupt(after=5),
        )  # fmt: skip
    (tmp_path / "small").rename(tmp_path / "moved")
    assert insula.resume_training(tmp_path / "moved").model.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["moved"]


def test_what_cannot_be_pruned_says_so(
    pruned: Any, tmp_path: Path, mood: Path, trained_run: Callable[..., Any]
) -> None:
    run = trained_run("encoder", "single").path
    for family, error, words in (
        ("linear", ModelFolderError, "must be of family 'encoder'"),
        ("transformer", ModelFolderError, "must be of family 'encoder'"),
    ):
        with pytest.raises(error, match=words):
            insula.prune_model(trained_run(family, "single").path, tmp_path / "small", layers=1, data=mood)
    for wrong, words in (
        ({}, "must prune something"),
        ({"heads": 1.0}, "must prune something"),
        ({"layers": 3}, "must be from 1 to 2 for this encoder. Got 3"),
        ({"layers": 0}, "layers to keep must be at least 1"),
        ({"width": 2.0}, "width to keep must be a share above 0 and at most 1. Got 2"),
        ({"heads": 0.5, "epochs": 0}, "epochs"),
    ):
        with pytest.raises(RecipeError, match=words):
            insula.prune_model(run, tmp_path / "small", data=mood, **wrong)
    with pytest.raises(DataError, match="Pass the data with --data"):
        insula.prune_model(run, tmp_path / "small", layers=1)
    with pytest.raises(OutputError, match="must not contain the input"):
        insula.prune_model(run, run, layers=1, data=mood, overwrite=True)
    with pytest.raises(OutputError, match="--overwrite"):
        insula.prune_model(run, pruned.run.path, layers=1, data=mood)
    assert not (tmp_path / "small").exists()


def test_a_quantised_model_is_not_pruned(pruned: Any, tmp_path: Path, mood: Path) -> None:
    small = insula.quantize_model(pruned.run.path, tmp_path / "int8", max_loss=0.2)
    with pytest.raises(ModelFolderError, match="not compressed and is stored with its base"):
        insula.prune_model(small.path, tmp_path / "small", heads=0.5, data=mood)
