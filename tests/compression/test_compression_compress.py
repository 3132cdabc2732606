"""`compress`: several plans measured, the best within the limits kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import typer

import toy_data
from insula.cli.model.compress import parse_size
from insula.compression.compress import PLANS, compress
from insula.compression.compression_data import CompressionData
from insula.compression.compressor import Compressor
from insula.compression.parity import ParityLimits
from insula.compression.quantization.plan import CompressionPlan
from insula.core.errors import ParityError
from insula.core.progress import Silent
from insula.inference.onnx_backend import OnnxBackend
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder

SOME = (CompressionPlan("8bit", 8), CompressionPlan("4bit", 4), CompressionPlan("4bit", 4, least_tokens=1))


def run(trained_run: Callable[..., Any], output: Path, max_bytes: int, max_loss: float) -> Any:
    folder, dataset = open_folder(trained_run("encoder", "multi").model), toy_data.toy_dataset("multi")
    return compress(folder, dataset, output, max_bytes=max_bytes, max_loss=max_loss, plans=SOME, progress=Silent())


def test_the_best_within_the_limits_is_kept_with_the_front(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    found = run(trained_run, tmp_path / "small", 10**7, 0.5)
    assert [one.plan for one in found.tried] == list(SOME)
    least = min(one.loss["value"] for one in found.tried)
    assert found.smaller.parity["validation"]["loss"]["value"] == least
    assert any(one.on_front for one in found.tried)
    assert min(found.tried, key=lambda one: one.bytes).on_front
    opened = open_folder(found.smaller.path)  # its checksums hold with the front in it
    assert found.smaller.bytes == sum(file.stat().st_size for file in opened.path.iterdir())
    front = json.loads((opened.path / "front.json").read_text(encoding="utf-8"))
    assert [one["bytes"] for one in front["tried"]] == [one.bytes for one in found.tried]
    drawn = ElementTree.parse(opened.path / "front.svg").getroot()
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}circle")) >= len(SOME)
    assert Predictor.load(opened.path).predict(["lovely day"])[0].scores


def test_a_model_without_products_is_tried_by_its_table_alone(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    folder, dataset = open_folder(trained_run("textcnn", "single").model), toy_data.toy_dataset("single")
    plans = (
        CompressionPlan("int8", 32),
        CompressionPlan("8bit", 8),
        CompressionPlan("int8", 8, float_activations=3),
        CompressionPlan("4bit", 4, block=64),
    )
    found = compress(folder, dataset, tmp_path / "small", max_bytes=10**7, max_loss=0.5, plans=plans, progress=Silent())
    assert [one.plan for one in found.tried] == [CompressionPlan("float32", 8), CompressionPlan("float32", 4)]
    assert found.smaller.steps["weights"] == "float32"


def test_nothing_within_the_limits_writes_nothing(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    with pytest.raises(
        ParityError,
        match=r"at most 0\.0 MB and lose at most 0\.5\. Got none of 3 plans within these limits; nearest is",
    ):
        run(trained_run, tmp_path / "small", 1000, 0.5)
    assert not list(tmp_path.iterdir())


def test_the_front_counts_where_a_size_is_asked_for(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    small = [one.bytes for one in run(trained_run, tmp_path / "any", 10**7, 0.5).tried]
    with pytest.raises(ParityError, match="Got none of 3"):
        run(trained_run, tmp_path / "small", min(small), 0.5)
    most = sorted(small)[1] + 2**14
    assert run(trained_run, tmp_path / "small", most, 0.5).smaller.bytes <= most


def test_a_pruned_model_answers_seen_texts_as_the_whole_one(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    folder = open_folder(trained_run("encoder", "multi").model)
    whole = toy_data.toy_dataset("multi")
    few = {**whole.splits, "train": whole.split("train")[:8]}  # all rows together have every word
    dataset = dataclasses.replace(whole, splits=few)
    made = Compressor(folder, CompressionData.of(dataset, folder))
    candidate = made.make(CompressionPlan("float32", 32, least_tokens=1), tmp_path, ParityLimits(1.0, None))
    vocabulary = candidate.steps["vocabulary"]
    assert vocabulary["after"] < vocabulary["before"]
    texts = [example.text for example in dataset.split("train")]
    np.testing.assert_allclose(OnnxBackend(tmp_path).logits(texts), OnnxBackend(folder.path).logits(texts), atol=1e-5)


def test_every_plan_has_a_name_of_its_own() -> None:
    assert len({str(plan) for plan in PLANS}) == len(PLANS)


@pytest.mark.parametrize(
    ("text", "wanted"), [("12MB", 12_000_000), ("8.5 mb", 8_500_000), ("900kB", 900_000), ("8MiB", 2**23), ("77", 77)]
)
def test_sizes_are_read(text: str, wanted: int) -> None:
    assert parse_size(text) == wanted


@pytest.mark.parametrize("text", ["", "big", "12 apples", "0MB", "-3MB"])
def test_other_words_are_no_size(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 12MB"):
        parse_size(text)
