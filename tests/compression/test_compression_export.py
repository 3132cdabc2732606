"""Exports: what comes out gives the same scores, or nothing comes out."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import pipeline

import insula
import toy_data
from insula.compression.cascade import make_cascade
from insula.compression.export import _describe_decision
from insula.compression.huggingface import FOLDABLE_CALIBRATIONS, to_transformers
from insula.core.decision import DecisionRule
from insula.core.errors import ModelFolderError, OutputError, UnknownNameError
from insula.core.progress import Silent
from insula.inference.onnx_backend import open_session
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from insula.models.quiet import silence_transformers
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run
from slow_cases import slow_unless
from unexported import unexported
from waiting import DEADLINE

LONG = "and a plain table " * 100
TEXTS = [LONG, "lovely wonderful day", "awful train and terrible work", "a plain usual table", "开心 today"]


@pytest.fixture(scope="module", params=["multi", "single", "binary"])
def first_run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_recipe: Callable[..., dict[str, Any]]
) -> Any:
    """A run with first-token pooling and a calibration that moves into a classifier."""
    settings = {"model.pooling": "first", "train.epochs": 3, "decision.calibration": "vector"}
    recipe = load_recipe(tiny_recipe("encoder", settings))
    with unexported():
        return train_run(toy_data.toy_dataset(request.param), recipe, tmp_path_factory.mktemp("first") / "run")


def asked(folder: Path, texts: list[str]) -> list[dict[str, float]]:
    with silence_transformers():
        classify = pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
        return [{one["label"]: one["score"] for one in answer} for answer in classify(texts, truncation=True)]


@pytest.mark.usefixtures("torch_only")
def test_the_pipeline_gives_the_scores_of_insula(tmp_path: Path, first_run: Any) -> None:
    figures = insula.export_model(first_run.path, tmp_path / "hf", format="huggingface")
    assert figures["scores"] <= 1e-5
    predictor = Predictor.load(first_run.path)
    assert predictor.decision.calibration.method in FOLDABLE_CALIBRATIONS
    prepared = predictor.preparation.prepare_all(TEXTS)
    for found, wanted in zip(asked(tmp_path / "hf", prepared), predictor.predict(TEXTS), strict=True):
        assert found == pytest.approx(wanted.scores, abs=1e-4)
    config = (tmp_path / "hf" / "config.json").read_text(encoding="utf-8")
    problem = "multi_label_classification" if predictor.scheme.kind == "multi" else "single_label_classification"
    assert json.loads(config)["problem_type"] == problem
    assert "insula" not in config
    readme = (tmp_path / "hf" / "README.md").read_text(encoding="utf-8")
    assert all(step in readme for step in predictor.preparation.steps)
    assert "truncation=True" in readme
    assert ("whose score reaches their threshold" in readme) == (predictor.scheme.kind != "single")


@pytest.mark.parametrize(
    ("scheme", "rule", "said"),
    [
        ("multi", DecisionRule(), "| neutral | 0.5000 |"),
        (
            "single",
            DecisionRule(offsets=(0.0, math.log(2), 0.0), abstention=0.25),
            "highest product of score and factor",
        ),
        ("single", DecisionRule(abstention=0.25), "confidence is below 0.2500"),
        ("dimensional", DecisionRule(), "| valence | 1 to 5 |"),
    ],
)
def test_the_card_tells_what_becomes_of_scores(scheme: Any, rule: DecisionRule, said: str) -> None:
    assert said in _describe_decision(toy_data.SCHEMES[scheme], rule)


def test_mean_pooling_is_refused_with_the_reason(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    with pytest.raises(
        ModelFolderError,
        match=r"bert encoder with mean pooling.*trust_remote_code.*model\.pooling=first",
    ):
        insula.export_model(trained_run("encoder", "multi").path, tmp_path / "hf", format="huggingface")
    assert not list(tmp_path.iterdir())


def test_what_holds_no_network_is_refused_by_its_cause(
    tmp_path: Path, trained_run: Callable[..., Any], onnx_folder: Path
) -> None:
    linear, encoder = trained_run("linear", "multi").path, trained_run("encoder", "multi").path
    stages = [open_folder(run / "model") for run in (linear, encoder)]
    both = tmp_path / "both"
    make_cascade(*stages, toy_data.toy_dataset("multi"), both, max_loss=1.0, progress=Silent())
    for model, cause in (
        (linear, "a linear model has no graph; numpy and scipy compute it"),
        (both, f"consists of two models. Export its stages: {both / 'first'} and {both / 'second'}"),
        (onnx_folder, r"was exported or compressed before and has no torch weights"),
    ):
        for wanted in ("onnx", "huggingface"):
            with pytest.raises(ModelFolderError, match=f"cannot be exported: .*{cause}"):
                insula.export_model(model, tmp_path / "out", format=wanted)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


PAIRED = {"bert": "binary", "roberta": "single", "gpt2": "dimensional"}


@pytest.mark.parametrize(
    ("kind", "scheme"),
    slow_unless(lambda kind, scheme: PAIRED[kind] == scheme, itertools.product(PAIRED, PAIRED.values())),
)
def test_every_known_class_computes_the_same(kind: str, scheme: Any) -> None:
    """With random weights, a calibration of scale and bias, and states as large as trained ones."""
    import numpy as np
    import torch

    from insula.core.decision import Calibration, DecisionRule
    from insula.models.networks.encoder import EncoderConfig, EncoderForEmotion

    small: dict[str, Any] = {"model_type": kind, "vocab_size": 50}
    if kind == "gpt2":
        small |= {"n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 24, "bos_token_id": 0, "eos_token_id": 0}
    else:
        small |= {
            "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
            "max_position_embeddings": 24,
        }  # fmt: skip
    labels = toy_data.SCHEMES[scheme]
    torch.manual_seed(0)
    pooling = "last" if kind == "gpt2" else "first"
    network = EncoderForEmotion(EncoderConfig(encoder=small, outputs=labels.output_count, pooling=pooling)).eval()
    torch.nn.init.normal_(network.head.output.weight)
    torch.nn.init.normal_(network.head.output.bias)
    rule = DecisionRule(calibration=Calibration("vector", (0.7,) * labels.output_count, (0.3,) * labels.output_count))
    model = to_transformers(network, labels, rule)
    model.config.pad_token_id = 1
    ids = torch.randint(5, 50, (6, 12))
    mask = torch.ones_like(ids)
    mask[2:, 8:], ids[2:, 8:] = 0, 1  # padding behind
    with torch.inference_mode():
        wanted = rule.scores(labels, network(ids, mask).logits.numpy())
        logits = model(input_ids=ids, attention_mask=mask).logits.numpy()
    if scheme == "binary":
        logits = logits[:, 1:] - logits[:, :1]
    np.testing.assert_allclose(DecisionRule().scores(labels, logits), wanted, atol=1e-5)
    assert list(model.config.id2label.values()) == list(labels.names)


def test_a_folder_without_torch_answers_the_same(onnx_folder: Path, trained_run: Callable[..., Any]) -> None:
    run = trained_run("encoder", "single")
    assert not (onnx_folder / "model.safetensors").exists()
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from insula.inference.predictor import Predictor\n"
        f"print(Predictor.load({str(onnx_folder)!r}).predict(['lovely wonderful'])[0].label)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.stdout.strip() == Predictor.load(run.path).predict(["lovely wonderful"])[0].label, done.stderr


def test_static_becomes_one_file_for_onnx_runtime(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    run = trained_run("static", "single")
    insula.export_model(run.path, tmp_path / "browser")
    alone = tmp_path / "model.onnx"
    shutil.copy2(tmp_path / "browser" / "model.onnx", alone)  # without model.safetensors beside it
    exported = Predictor.load(tmp_path / "browser")
    assert [one.name for one in open_session(alone).get_outputs()] == ["logits", "features"]
    texts = ["lovely wonderful", "awful day", "", "不开心"]
    np.testing.assert_allclose(exported.logits(texts), Predictor.load(run.path).logits(texts), atol=1e-5)


def test_nothing_is_written_over(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    run = trained_run("static", "single")
    shutil.copytree(run.model, tmp_path / "there")
    with pytest.raises(OutputError, match="holds a model"):
        insula.export_model(run.path, tmp_path / "there")
    insula.export_model(run.path, tmp_path / "there", overwrite=True)
    assert not (tmp_path / "there" / "model.safetensors").exists()
    with pytest.raises(UnknownNameError, match="Did you mean 'onnx'"):
        insula.export_model(run.path, tmp_path / "new", format="onyx")  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["encoder", "static", "lstm"])
def test_a_graph_tells_no_path_of_the_machine_it_was_made_on(trained_run: Callable[..., Any], family: str) -> None:
    graph = (trained_run(family, "single").model / "model.onnx").read_bytes()
    assert b"stack_trace" not in graph
    assert b".py" not in graph
