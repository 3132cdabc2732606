"""Engines: measured, written, read, given to a predictor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import insula
import toy_data
from insula.compression import bench as bench_file
from insula.compression.bench import BUDGETS, bench
from insula.core.errors import DataError
from insula.inference.engine import EngineSettings
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder

TEXTS = [example.text for example in toy_data.toy_dataset("multi").split("test")]


def test_the_fastest_is_chosen(trained_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With times of our own: torch slower, two threads faster, batches of 1536 faster, 3072 hardly more."""
    folder = open_folder(trained_run("encoder", "multi").model)
    monkeypatch.setattr(bench_file, "count_usable_threads", lambda: 2)

    def measured(_: Any, texts: Any, engines: list[EngineSettings], rounds: int) -> list[Any]:
        speed = {"onnx": 100.0, "torch": 50.0}
        size = {448: 0.8, 768: 1.0, 1536: 1.5, 3072: 1.51, 6144: 0.9}
        return [
            bench_file.BenchTrial(one, speed[str(one.backend)] * (one.threads or 1) * size[one.tokens])
            for one in engines
        ]

    monkeypatch.setattr(bench_file, "_measure", measured)
    found = bench(folder, TEXTS)
    assert found.engine == EngineSettings("onnx", 2, 1536, "encoder")
    assert found.rows_per_second == 300.0
    assert {one.engine.backend for one in found.trials} == {"onnx", "torch"}
    assert {one.engine.tokens for one in found.trials} == set(BUDGETS)


def test_it_measures_and_its_file_is_an_engine(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    run = trained_run("encoder", "multi")
    found = bench(open_folder(run.model), TEXTS, rounds=1)
    assert all(one.rows_per_second > 0 for one in found.trials)
    assert found.one_text_ms > 0
    file = tmp_path / "engine.json"
    file.write_text(json.dumps(found.to_dict()), encoding="utf-8")
    assert EngineSettings.read(file) == found.engine
    plain, tuned = insula.load_model(run.path), insula.load_model(run.path, engine=file)
    np.testing.assert_allclose(tuned.logits(TEXTS), plain.logits(TEXTS), atol=1e-5)


def test_a_model_that_counts_words_has_one_engine(trained_run: Callable[..., Any]) -> None:
    found = bench(open_folder(trained_run("linear", "multi").model), TEXTS, rounds=1)
    assert found.engine.backend == "linear"
    assert len(found.trials) == 1


def test_a_predictor_runs_as_it_is_told(trained_run: Callable[..., Any]) -> None:
    run = trained_run("encoder", "multi")
    predictor = Predictor.load(run.path, engine=EngineSettings("torch", 1, 64))
    sizes: list[int] = []
    backend: Any = predictor.backend
    inner = backend.run
    backend.run = lambda ids, mask: sizes.append(ids.size) or inner(ids, mask)
    predictor.predict(TEXTS)
    assert max(sizes) <= 64
    assert predictor.fingerprint != Predictor.load(run.path, backend="torch").fingerprint


def test_an_engine_of_another_kind_of_model_says_so(
    tmp_path: Path, trained_run: Callable[..., Any], onnx_folder: Path
) -> None:
    static, encoder = trained_run("static", "single").path, trained_run("encoder", "multi").path
    found = bench(open_folder(static / "model"), TEXTS, rounds=1)
    file = tmp_path / "engine.json"
    file.write_text(json.dumps(found.to_dict()), encoding="utf-8")
    words = rf"'static' with backend 'static', .* with backend onnx or torch\. .*insula model bench -m {encoder}/model"
    with pytest.raises(DataError, match=words):
        insula.load_model(encoder, engine=file)
    with pytest.raises(DataError, match=r"'encoder' with backend 'torch', .*'encoder' with backend onnx\. Measure"):
        insula.load_model(onnx_folder, engine=EngineSettings("torch", family="encoder"))


@pytest.mark.parametrize("content", ["", "{}", '{"engine": {"backend": "onnx"}}', "[]"])
def test_another_file_is_no_engine(tmp_path: Path, content: str) -> None:
    file = tmp_path / "engine.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="insula model bench"):
        EngineSettings.read(file)


def test_an_engine_needs_threads() -> None:
    with pytest.raises(DataError, match="threads of an engine must be a whole number"):
        EngineSettings(threads=0)


def test_texts_are_read_as_stated(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    run = trained_run("linear", "multi")
    file = tmp_path / "texts.csv"
    file.write_text("".join(f"{number};{text}\n" for number, text in enumerate(TEXTS)), encoding="utf-8")
    with pytest.raises(DataError, match="looks like data"):
        insula.bench_model(run.path, data=str(file))
    found = insula.bench_model(run.path, data=str(file), text="2", separator=";", header=False)
    assert found.rows == len(TEXTS)
