"""Texts longer than the model reads, on the whole way: train, evaluate, calibrate, predict, serve."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import insula
import toy_data
from insula.cli.app import app
from insula.client import Client
from insula.core.errors import DataError
from insula.core.example import Example
from insula.data.dataset import Dataset
from insula.models.tokens.tokenization import open_tokenizer
from insula.serving.app import create_app
from insula.serving.settings.settings import load_settings
from insula.training.recipe.recipe import load_recipe
from insula.training.run import Run, train_run
from unexported import unexported

Recipe = Callable[..., dict[str, Any]]
FILLER = " ".join(toy_data.FILLERS)  # 40 words


def _long(data: Dataset, *, at_end: bool) -> Dataset:
    """Return texts whose last words say their label, or whose first do while the last ones are those of another."""

    def text(row: Example) -> str:
        if at_end:
            return f"{FILLER} {row.text}"
        other = toy_data.LABEL_WORDS[(toy_data.NAMES.index((row.labels or ("",))[0]) + 1) % 3]
        return f"{row.text} {FILLER} {' '.join(other)}"

    splits = {name: [Example(text=text(row), labels=row.labels) for row in rows] for name, rows in data.splits.items()}
    return Dataset(data.name, data.scheme, splits)


@pytest.fixture(scope="module")
def runs(tiny_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Run]:
    """Runs of `static` with 16 tokens: a few of the training and half of the validation texts are long."""
    folder, short = tmp_path_factory.mktemp("runs"), toy_data.toy_dataset("single")
    made, parts = {}, (("train", 3), ("validation", 1))
    for name, at_end in (("end", True), ("start", False)):
        long = _long(short, at_end=at_end)
        both = {split: [*short.split(split), *long.split(split)[:60:skip]] for split, skip in parts}
        data = Dataset(short.name, short.scheme, {**long.splits, **both})
        recipe = load_recipe(tiny_recipe("static", {"model.max_tokens": 16, "evaluation.baselines": []}))
        with unexported():
            made[name] = train_run(data, recipe, folder / name)
    return made


def test_windows_are_used_where_they_lower_the_loss(runs: Mapping[str, Run]) -> None:
    windows = {name: open_tokenizer(run.model)[0].windows for name, run in runs.items()}
    assert windows == {"end": "mean", "start": "none"}
    assert runs["end"].metrics["test"]["metrics"]["macro_f1"]["value"] > 0.9
    accuracy = {}
    for setting in ("none", "mean"):
        made = insula.calibrate_model(runs["end"].path, runs["end"].path.parent / setting, windows=setting,
                                      data=_file(runs["end"].path.parent / "rows.jsonl", at_end=True))  # fmt: skip
        accuracy[setting] = made.figures["after"]
        assert open_tokenizer(made.path)[0].windows == setting
    assert accuracy["mean"] > accuracy["none"] + 0.3


def _file(path: Path, *, at_end: bool) -> Path:
    rows = _long(toy_data.toy_dataset("single", train=120, validation=0, test=0, seed=5), at_end=at_end).split("train")
    lines = [json.dumps({"text": row.text, "label": (row.labels or ("",))[0]}, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_run_counts_its_long_texts(runs: Mapping[str, Run]) -> None:
    notes = "\n".join(runs["start"].metrics["data"]["notes"])
    assert "20 of 220 training texts (9.1%) are longer than model.max_tokens (16)" in notes
    assert "did not lower the loss by more than luck" in notes
    assert "Test: 60 of 60 texts (100.0%) are longer than the 16 tokens that the model reads" in notes
    assert "in overlapping windows" in "\n".join(runs["end"].metrics["data"]["notes"])
    assert "longer than model.max_tokens" in runs["start"].report.read_text(encoding="utf-8")
    assert "20 of 220 training texts" in (runs["start"].model / "model_card.md").read_text(encoding="utf-8")


def test_an_evaluation_counts_its_long_texts(runs: Mapping[str, Run], tmp_path: Path) -> None:
    rows = _file(tmp_path / "rows.jsonl", at_end=False)
    found = insula.evaluate(str(rows), runs["start"].path)
    assert any("120 of 120 texts (100.0%) are longer than the 16 tokens" in note for note in found.notes)
    assert not any("longer than" in note for note in insula.evaluate(str(rows), runs["end"].path).notes)


def test_the_command_line_warns(runs: Mapping[str, Run]) -> None:
    result = CliRunner().invoke(app, ["predict", FILLER, "lovely", "-m", str(runs["start"].path), "--json"])
    assert "1 of 2 texts (50.0%) is longer than the 16 tokens that the model reads" in result.stderr
    assert [json.loads(line).get("truncated") for line in result.stdout.splitlines()] == [True, None]


def test_the_service_and_its_client_tell(runs: Mapping[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(
        environment={},
        given={"models": [str(run.path) for run in runs.values()], "access": {"insecure": True}},
    )
    with TestClient(create_app(settings)) as served:
        for name, truncated in (("start", 1), ("end", 0)):
            answer = served.post("/v1/predict", json={"texts": ["lovely", FILLER], "model": name}).json()
            assert answer["truncated"] == truncated
            assert [row.get("truncated") for row in answer["predictions"]] == [None, True if truncated else None]
            (local,) = insula.predict([FILLER], runs[name].path)
            assert answer["predictions"][1]["scores"] == pytest.approx(local.scores, abs=1e-5)
        with served.websocket_connect("/v1/stream") as socket:
            socket.send_json({"text": FILLER, "model": "start"})
            assert socket.receive_json()["truncated"] is True
        client = Client("http://testserver")
        monkeypatch.setattr(client, "_http", served)
        found = client.predict(["lovely", FILLER], model="start")
        assert (found.truncated, [one.truncated for one in found]) == (1, [False, True])


def test_windows_for_a_model_of_whole_texts_are_one_sentence(trained_run: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Windows are for models that read a limited number of tokens"):
        insula.calibrate_model(trained_run("linear", "single").path, tmp_path / "new", windows="mean",
                               data=_file(tmp_path / "rows.jsonl", at_end=True))  # fmt: skip
