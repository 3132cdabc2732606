"""`quantize_model` from end to end: a smaller folder that answers the same, or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import insula
import toy_data
from insula.compression.compression_data import CompressionData
from insula.compression.compressor import SENSITIVITY_TEXTS, Compressor
from insula.compression.parity import ParityLimits, measure_parity
from insula.compression.quantization.graph import Graph
from insula.compression.quantization.plan import CompressionPlan
from insula.compression.quantization.sensitivity import measure_sensitivities
from insula.compression.quantize import FLOAT_ACTIVATIONS, quantize
from insula.core.errors import DataError, ModelFolderError, OutputError, ParityError
from insula.core.progress import Silent
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder, seal

TEXTS = ["lovely wonderful day", "awful train and terrible work", ".", "开心 today", "a plain usual table"]


def make(run: Any, kind: Any, output: Path, plan: CompressionPlan, limits: ParityLimits | None = None) -> Any:
    folder, dataset = open_folder(run.model), toy_data.toy_dataset(kind)
    return quantize(folder, dataset, output, plan, limits or ParityLimits(), progress=Silent())


@pytest.mark.parametrize(
    ("family", "kind", "plan"),
    [
        ("encoder", "multi", CompressionPlan("int8", 8)),
        ("encoder", "single", CompressionPlan("4bit", 4)),
        ("encoder", "dimensional", CompressionPlan("8bit", 8)),
        ("decoder", "single", CompressionPlan("int8", 8)),
        ("transformer", "single", CompressionPlan("int8", 8)),
        ("lstm", "single", CompressionPlan("float32", 8)),
    ],
)
def test_a_smaller_folder_answers_as_before(
    tmp_path: Path, trained_run: Callable[..., Any], family: str, kind: Any, plan: CompressionPlan
) -> None:
    run = trained_run(family, kind)
    made = make(run, kind, tmp_path / "small", plan, ParityLimits(0.05, None))
    assert made.bytes < made.bytes_before
    assert made.bytes == sum(file.stat().st_size for file in made.path.iterdir())
    small, before = Predictor.load(made.path), Predictor.load(run.model)
    for one, other in zip(small.predict(TEXTS), before.predict(TEXTS), strict=True):
        assert all(abs(one.scores[name] - other.scores[name]) < 0.5 for name in one.scores)
    assert not (made.path / "model.safetensors").exists()
    manifest = json.loads((made.path / "manifest.json").read_text(encoding="utf-8"))
    assert {"parity.json", "compression.json", "model.onnx"} <= set(manifest["files"])
    figures = json.loads((made.path / "parity.json").read_text(encoding="utf-8"))
    assert figures["validation"]["rows"] == 60
    assert figures["company"]["largest_difference"] <= 1e-4


def measured_as_worse(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the first `times` candidates agree on no row with the model before."""
    seen: list[dict[str, Any]] = []

    def measure(*given: Any, **settings: Any) -> dict[str, Any]:
        seen.append(measure_parity(*given, **settings))
        return seen[-1] | ({"agreement": 0.0} if len(seen) <= times else {})

    monkeypatch.setattr("insula.compression.compressor.measure_parity", measure)


def test_sensitive_products_stay_in_float_where_int8_fails(
    tmp_path: Path, trained_run: Callable[..., Any], recorder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, dataset = open_folder(trained_run("encoder", "multi").model), toy_data.toy_dataset("multi")
    workshop = Compressor(folder, CompressionData.of(dataset, folder))
    moved = measure_sensitivities(
        workshop.graph, workshop.scales, workshop.calibration_tokens[:SENSITIVITY_TEXTS], folder.scheme.output_count
    )
    first = sorted(moved, key=lambda activation: -moved[activation])[:2]
    wanted = sorted(one.name for one in workshop.graph.find_products() if one.activation in first)
    measured_as_worse(monkeypatch, times=1)
    made = quantize(
        folder, dataset, tmp_path / "small", CompressionPlan("int8", 8), ParityLimits(0.05, 0.9), progress=recorder
    )
    assert "trying with the 2 most sensitive activations in float32" in recorder.said[-1]
    assert (made.steps["float_activations"], made.steps["float_products"]) == (2, wanted)
    assert made.steps["products"] == len(workshop.graph.find_products()) - len(wanted)
    assert made.parity["validation"]["agreement"] >= 0.9
    whole = make(
        trained_run("encoder", "multi"),
        "multi",
        tmp_path / "whole",
        CompressionPlan("int8", 8),
        ParityLimits(0.05, None),
    )
    integers = [
        sum(node.op_type == "QuantizeLinear" for node in onnx.load(path / "model.onnx").graph.node)
        for path in (whole.path, made.path)
    ]
    assert integers[0] == integers[1] + 2


def test_what_fails_with_the_most_in_float_is_refused(
    tmp_path: Path, trained_run: Callable[..., Any], recorder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, dataset = open_folder(trained_run("encoder", "multi").model), toy_data.toy_dataset("multi")
    measured_as_worse(monkeypatch, times=99)
    with pytest.raises(ParityError, match="label sets must be the same on at least 90%"):
        quantize(
            folder, dataset, tmp_path / "small", CompressionPlan("int8", 8), ParityLimits(0.05, 0.9), progress=recorder
        )
    tried = [sentence for sentence in recorder.said if "activations in float32" in sentence]
    assert len(tried) == len([count for count in FLOAT_ACTIVATIONS if count <= 8])  # four an encoder layer
    assert not list(tmp_path.iterdir())


def test_figures_of_the_model_before_are_not_claimed_again(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    run = trained_run("encoder", "multi")
    made = make(run, "multi", tmp_path / "small", CompressionPlan("int8", 8))
    metrics = open_folder(made.path).metrics
    assert metrics["test"] is None
    assert metrics["baselines"] == {}
    assert metrics["validation"]["metrics"]["macro_f1"]["value"] == pytest.approx(made.parity["validation"]["after"])
    assert "On 60 validation rows" in (made.path / "model_card.md").read_text(encoding="utf-8")
    assert made.steps["right_on"] == "every processor"


def test_a_refusal_writes_nothing(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    with pytest.raises(ParityError, match="Nothing was written"):
        make(
            trained_run("encoder", "multi"), "multi", tmp_path / "small", CompressionPlan("4bit", 4), ParityLimits(-1.0)
        )
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_made_smaller_says_so(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    with pytest.raises(ModelFolderError, match=r"no model\.onnx"):
        make(trained_run("linear", "multi"), "multi", tmp_path / "small", CompressionPlan())
    with pytest.raises(ModelFolderError, match=r"the backend 'static' runs it in numpy.*--set model\.table=int8"):
        make(trained_run("static", "single"), "single", tmp_path / "small", CompressionPlan())
    run = trained_run("encoder", "multi")
    with pytest.raises(DataError, match="labels of the model"):
        make(run, "single", tmp_path / "small", CompressionPlan())
    few = toy_data.toy_dataset("multi", validation=20)
    with pytest.raises(DataError, match="at least 50 validation rows"):
        quantize(open_folder(run.model), few, tmp_path / "small", CompressionPlan(), ParityLimits(), progress=Silent())
    trained = toy_data.toy_dataset("multi")
    leaked = type(trained)(trained.name, trained.scheme, {**trained.splits, "validation": trained.split("train")})
    with pytest.raises(DataError, match="Got 0"):
        quantize(
            open_folder(run.model), leaked, tmp_path / "small", CompressionPlan(), ParityLimits(), progress=Silent()
        )


@pytest.mark.parametrize("weights", ["int8", "8bit", "4bit"])
def test_bits_of_products_are_refused_where_there_are_none(
    tmp_path: Path, trained_run: Callable[..., Any], weights: Any
) -> None:
    with pytest.raises(
        ModelFolderError,
        match=r"family 'textcnn', of which only the embedding table can be compressed.*Use --tables 8 or --tables 4",
    ):
        make(trained_run("textcnn", "single"), "single", tmp_path / "small", CompressionPlan(weights, 32))
    assert not list(tmp_path.iterdir())


def test_without_products_only_the_table_is_smaller(
    tmp_path: Path, trained_run: Callable[..., Any], recorder: Any
) -> None:
    run = trained_run("textcnn", "single")
    dataset = toy_data.toy_dataset("single")
    made = quantize(
        open_folder(run.model),
        dataset,
        tmp_path / "small",
        CompressionPlan("int8", 8),
        ParityLimits(),
        progress=recorder,
    )
    assert any("no matrix products" in sentence for sentence in recorder.said)
    assert (made.steps["weights"], made.steps["tables"], made.steps["products"]) == ("float32", 8, 0)
    assert not {"activations", "weight_bits"} & set(made.steps)
    assert json.loads((made.path / "compression.json").read_text(encoding="utf-8"))["steps"] == made.steps


def test_a_compressed_model_is_not_compressed_again(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    first = make(trained_run("encoder", "multi"), "multi", tmp_path / "small", CompressionPlan("int8", 8))
    with pytest.raises(ModelFolderError, match="compressed already"):
        quantize(
            open_folder(first.path),
            toy_data.toy_dataset("multi"),
            tmp_path / "b",
            CompressionPlan(),
            ParityLimits(),
            progress=Silent(),
        )


def test_an_export_that_was_never_compared_is_compared_first(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    old = tmp_path / "old"
    shutil.copytree(trained_run("encoder", "multi").model, old)
    (old / "parity.json").unlink()
    graph = Graph.load(old / "model.onnx")
    table = graph.find_tables()[0].weight
    graph.add_constant(table, graph.read_constant(table) * np.float32(1.01))
    graph.save(old / "model.onnx")
    seal(old, family="encoder", backend="onnx")
    with pytest.raises(ParityError, match="onnx and torch"):
        quantize(
            open_folder(old),
            toy_data.toy_dataset("multi"),
            tmp_path / "b",
            CompressionPlan(),
            ParityLimits(),
            progress=Silent(),
        )


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    run = trained_run("encoder", "multi")
    one, other = (make(run, "multi", tmp_path / name, CompressionPlan("int8", 8)).path for name in "ab")
    for name in ("model.onnx", "decision.json", "parity.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_a_model_without_a_run_needs_its_data_named(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    run = trained_run("encoder", "multi")  # from data in memory
    with pytest.raises(DataError, match="Pass the data with --data"):
        insula.quantize_model(run.path, tmp_path / "small")


@pytest.mark.parametrize("place", ["", "model"])
def test_a_model_is_never_written_over_itself(tmp_path: Path, trained_run: Callable[..., Any], place: str) -> None:
    run = trained_run("encoder", "multi")
    with pytest.raises(OutputError, match=r"must (differ from|not contain) the input"):
        insula.quantize_model(run.path, run.path / place)
    other = tmp_path / "notes"
    other.mkdir()
    (other / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="new, empty or a model"):
        insula.quantize_model(run.path, other, overwrite=True)
