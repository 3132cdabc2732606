"""Adapters: trained parameters, merging, resuming, and the folder without its base."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from insula.api.training import resume_training, train
from insula.core.errors import MissingExtraError, ModelFolderError, RecipeError
from insula.data.dataset import Dataset
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from insula.models.layers import adapters
from insula.models.layers.adapters import choose_targets, is_trained_parameter
from insula.models.networks.encoder import EncoderForEmotion
from insula.training.fitters import encoder as fit_encoder
from insula.training.neural import train_network as neural
from insula.training.recipe.recipe import load_recipe
from interrupt import Interrupt
from unexported import exported

METHODS = ("lora", "adalora", "bottleneck")
pytestmark = pytest.mark.usefixtures("torch_only")
every_method = pytest.mark.parametrize("method", METHODS)
RecipeOf = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def data() -> Dataset:
    import toy_data

    return toy_data.toy_dataset("single", train=64, validation=24, test=24)


@pytest.fixture
def recipe(tiny_recipe: RecipeOf) -> RecipeOf:
    def make(method: str, overrides: dict[str, Any] | None = None, **encoder: Any) -> dict[str, Any]:
        chosen = {
            "train.epochs": 3, "train.learning_rate": 2e-2, "evaluation.baselines": [], "adapter.method": method,
            "adapter.rank": 2, "adapter.reduction": 4, "adapter.targets": "auto" if method == "bottleneck" else "all",
        }  # fmt: skip
        return tiny_recipe("encoder", chosen | (overrides or {}), **encoder)

    return make


def _logits(model: Path, data: Dataset) -> Any:
    return Predictor.load(model).logits([example.text for example in data.split("test")])


@every_method
def test_an_adapter_is_merged_or_stored_without_its_base(
    method: str, tmp_path: Path, data: Dataset, recipe: RecipeOf, encoder_folder: Callable[..., Path]
) -> None:
    run = train(data, recipe=recipe(method), output=tmp_path / "merged")
    apart = train(data, recipe=recipe(method, {"adapter.merge": False}), output=tmp_path / "apart")
    found, wanted = _logits(run.path, data), _logits(apart.path, data)
    assert np.ptp(wanted, axis=0).max() > 0.1
    np.testing.assert_allclose(found, wanted, atol=1e-5)

    # Merged: an ordinary folder, without the base.
    assert open_folder(run.model).backend == "onnx"
    names = set(load_file(run.model / "model.safetensors"))
    plain = EncoderForEmotion.from_backbone(encoder_folder(), outputs=3, pooling="mean", dropout=0.0).state_dict()
    assert (names == set(plain)) == (method != "bottleneck")

    # Unmerged: a small folder without the weights of the encoder; it predicts what was measured.
    assert open_folder(apart.model).backend == "torch"
    assert not {"model.safetensors", "model.onnx"} & {file.name for file in apart.model.iterdir()}
    assert all(is_trained_parameter(name) for name in load_file(apart.model / "adapter.safetensors"))
    assert (apart.model / "adapter.safetensors").stat().st_size < (run.model / "model.safetensors").stat().st_size / 2
    values = [one.metrics["test"]["metrics"]["nll"]["value"] for one in (run, apart)]
    assert values[0] == pytest.approx(values[1], abs=1e-5)
    np.testing.assert_array_equal(_logits(apart.model, data), wanted)


# Merged, an ordinary network; or more layers in the graph.
@pytest.mark.parametrize("method", [pytest.param("lora", marks=pytest.mark.slow), "bottleneck"])
def test_onnx_runtime_answers_as_torch_does(method: str, tmp_path: Path, data: Dataset, recipe: RecipeOf) -> None:
    with exported():
        run = train(data, recipe=recipe(method, {"train.epochs": 1}, layers=1), output=tmp_path / "run")
        found = _logits(run.path, data)
    assert (run.model / "model.onnx").exists()
    torch_logits = Predictor.load(run.model, backend="torch").logits([e.text for e in data.split("test")])
    np.testing.assert_allclose(torch_logits, found, atol=1e-5)


@every_method
def test_only_adapter_and_head_change(
    method: str, tmp_path: Path, data: Dataset, recipe: RecipeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: dict[str, torch.Tensor] = {}
    after: dict[str, torch.Tensor] = {}
    learning: set[str] = set()

    def watched(model: nn.Module, *args: Any) -> Any:
        before.update({name: value.clone() for name, value in model.state_dict().items()})
        learning.update(name for name, parameter in model.named_parameters() if parameter.requires_grad)
        result = original(model, *args)
        after.update({name: value.clone() for name, value in model.state_dict().items()})
        return result

    original = fit_encoder.train_network
    monkeypatch.setattr(fit_encoder, "train_network", watched)
    run = train(data, recipe=recipe(method), output=tmp_path / "run")
    own = {
        name
        for name in before
        if is_trained_parameter(name) and not name.startswith("rank_state") and "ranknum" not in name
    }
    assert learning == own
    for name, value in before.items():
        if not name.startswith("rank_state"):
            # AdaLoRA's pruned singular values are zero again.
            assert torch.equal(after[name], value) == (name not in own) or "lora_E" in name, name
    model = run.metrics["model"]
    assert model["trainable_parameters"] == sum(before[name].numel() for name in own)
    assert model["trainable_parameters"] < model["parameters"] / 2
    assert run.metrics["time"]["peak_memory_mb"] > 10
    page = run.report.read_text(encoding="utf-8")
    assert "trainable parameters" in page
    assert "peak memory" in page


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, data: Dataset) -> Path:
    """A folder with a file a split."""
    folder = tmp_path_factory.mktemp("adapters") / "toy"
    folder.mkdir()
    for split, examples in data.splits.items():
        rows = [json.dumps({"text": e.text, "label": (e.labels or ())[0]}, ensure_ascii=False) for e in examples]
        (folder / f"{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@every_method
def test_a_resumed_run_equals_an_uninterrupted_one(
    method: str, tmp_path: Path, source: Path, recipe: RecipeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = itertools.count(1)  # each better than the one before, so that the last step's weights are compared
    monkeypatch.setattr(neural, "compute_validation_score", lambda *_: ("macro_f1", float(next(scores))))
    options = {"train.evaluations_per_epoch": 2, "train.patience": 50, "adapter.merge": False, "model.dropout": 0.2}
    settings = recipe(method, options, layers=1)
    whole = train(source, recipe=settings, output=tmp_path / "whole")
    wanted = load_file(whole.model / "adapter.safetensors")
    for step in (5, 11) if method == "adalora" else (5,):  # AdaLoRA's ranks are final after step 9 of 12
        folder = tmp_path / f"stopped-{step}"
        with pytest.raises(KeyboardInterrupt):
            train(source, recipe=settings, output=folder, progress=Interrupt(step))
        found = load_file(resume_training(folder).model / "adapter.safetensors")
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            torch.testing.assert_close(found[name], value, atol=1e-6, rtol=0)


def test_adalora_ends_with_the_requested_ranks(tmp_path: Path, data: Dataset, recipe: RecipeOf) -> None:
    settings = recipe("adalora", {"train.epochs": 6, "adapter.rank": 4, "adapter.merge": False})
    splits = {name: data.split(name) for name in ("train", "test")}  # without validation, the last step is taken
    run = train(dataclasses.replace(data, splits=splits), recipe=settings, output=tmp_path / "run")
    weights = load_file(run.model / "adapter.safetensors")
    ranks = [int((value != 0).sum()) for name, value in weights.items() if "lora_E" in name]
    assert len(ranks) == 12  # six maps in each of two layers
    assert sum(ranks) == 4 * 12
    assert len(set(ranks)) > 1  # ... and not alike for all
    assert all(len(value) == 6 for name, value in weights.items() if "lora_E" in name)
    assert not [name for name in weights if name.startswith("rank_state")]


@every_method
def test_frozen_layers_have_no_adapter(method: str, tmp_path: Path, data: Dataset, recipe: RecipeOf) -> None:
    settings = recipe(method, {"train.freeze_layers": 1, "adapter.merge": False, "train.epochs": 1}, layers=3)
    run = train(data, recipe=settings, output=tmp_path / "run")
    layers = {name.split(".layer.")[1][0] for name in load_file(run.model / "adapter.safetensors") if ".layer." in name}
    assert layers == {"1", "2"}
    assert np.isfinite(_logits(run.path, data)).all()


def test_an_adapter_rejects_another_base(
    tmp_path: Path, data: Dataset, recipe: RecipeOf, encoder_folder: Callable[..., Path]
) -> None:
    base = tmp_path / "base"
    shutil.copytree(encoder_folder(), base)
    settings = recipe("bottleneck", {"adapter.merge": False, "train.epochs": 1, "model.base": str(base)})
    run = train(data, recipe=settings, output=tmp_path / "run")
    wanted = _logits(run.path, data)
    with (base / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, 2)
        weights.write(b"\x01")
    with pytest.raises(ModelFolderError, match="differ from those that model folder"):
        Predictor.load(run.path)
    shutil.rmtree(base)
    with pytest.raises(ModelFolderError, match=r"cannot be found.*adapter\.merge=true"):
        Predictor.load(run.path)
    shutil.copytree(encoder_folder(), base)
    np.testing.assert_array_equal(_logits(run.path, data), wanted)


def test_the_adapted_linear_layers(encoder_folder: Callable[..., Path]) -> None:
    backbone = EncoderForEmotion.from_backbone(encoder_folder(), outputs=2, pooling="mean", dropout=0.0).backbone

    def ends(method: str, wanted: Any, **more: Any) -> set[str]:
        return {name.removeprefix("encoder.layer.") for name in choose_targets(backbone, method, wanted, **more)}

    both = {f"{layer}.attention.self.{name}" for layer in (0, 1) for name in ("query", "value")}
    assert ends("lora", "auto") == ends("adalora", "auto") == both
    assert ends("lora", ["query"], above=1) == {"1.attention.self.query"}
    assert len(ends("lora", "all")) == 12
    assert ends("bottleneck", "auto", above=1) == {"1.attention.output.dense", "1.output.dense"}
    with pytest.raises(RecipeError, match=r"adapter\.targets.*attention\.self\.query.*Got 'quary'\."):
        choose_targets(backbone, "lora", ["query", "quary"])


def test_families_without_adapters_are_rejected(monkeypatch: pytest.MonkeyPatch, tiny_recipe: RecipeOf) -> None:
    with pytest.raises(RecipeError, match=r"family 'linear' does not support adapters.*encoder"):
        load_recipe("linear", {"adapter.method": "lora"})
    with pytest.raises(RecipeError, match="targets of a bottleneck"):
        load_recipe("quick", {"adapter.method": "bottleneck", "adapter.targets": "all"})
    with pytest.raises(RecipeError, match=r"Did you mean 'adapter\.rank'"):
        load_recipe("quick", {"adapter.ranks": 3})


def test_without_peft_the_extra_is_named(tmp_path: Path, data: Dataset, recipe: RecipeOf,
                                         monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def missing(module: str, *, extra: str, purpose: str) -> None:
        raise MissingExtraError(f"{module} {extra} {purpose}")

    monkeypatch.setattr(adapters, "require", missing)
    with pytest.raises(MissingExtraError, match=r"peft adapters use adapter\.method=lora"):
        train(data, recipe=recipe("lora"), output=tmp_path / "run")
    train(data, recipe=recipe("bottleneck", {"train.epochs": 0.5}), output=tmp_path / "bottleneck")
