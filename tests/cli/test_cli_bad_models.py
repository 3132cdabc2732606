"""A model that cannot be trusted is refused in one sentence that names it and says what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_messages import failed
from typer.testing import Result

Insula = Callable[..., Result]


@pytest.fixture
def model(care: Path, here: Path) -> Path:
    """A copy of a good model folder, to be spoilt."""
    return Path(shutil.copytree(care / "runs/care/model", here / "model"))


def manifest_with(model: Path, **changed: Any) -> None:
    file = model / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **changed}), encoding="utf-8")


def test_the_copy_works_before_it_is_spoilt(insula: Insula, model: Path) -> None:
    assert insula("predict", "hello", "-m", model).exit_code == 0


def test_unknown_names_list_the_runs_there_are(insula: Insula, care: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(care)
    failed(insula("predict", "hello", "-m", "cara"), "'cara'", "Runs: care", "Did you mean 'care'?")
    failed(insula("predict", "hello", "-m", "runs/cara"), "'runs/cara'", "Did you mean 'care'?")
    failed(insula("predict", "hello", "-m", ""), "empty name")
    failed(insula("predict", "hello", "-m", "x" * 5000), "neither a run")
    failed(insula("predict", "hello", "-m", "messages.csv"), "'messages.csv'", "must be a folder")


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_every_verb_refuses(insula: Insula, care: Path, model: Path, verb: str) -> None:
    (model / "model.safetensors").write_bytes(b"nonsense")
    what = "hello" if verb == "predict" else care / "test.csv"
    failed(insula(verb, what, "-m", model), "'model.safetensors'", "corrupt or was changed", "again")


def test_one_changed_byte_in_any_file_shows(insula: Insula, model: Path) -> None:
    for file in sorted(model.iterdir()):
        if file.name == "manifest.json":
            continue
        good = file.read_bytes()
        middle = len(good) // 2
        file.write_bytes(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
        failed(insula("predict", "hello", "-m", model), repr(file.name), "corrupt or was changed")
        file.write_bytes(good)


def test_any_missing_file_shows(insula: Insula, model: Path) -> None:
    for file in sorted(model.iterdir()):
        aside = file.rename(file.with_suffix(".aside"))
        failed(insula("predict", "hello", "-m", model), file.name, "again")
        aside.rename(file)


def test_a_half_copied_folder(insula: Insula, model: Path) -> None:
    (model / "manifest.json").unlink()
    failed(insula("predict", "hello", "-m", model), "no manifest.json", "incomplete")


def test_a_run_that_was_never_finished_says_how_to_go_on(insula: Insula, here: Path) -> None:
    run = here / "runs/care"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}", encoding="utf-8")
    for name in ("care", "runs/care"):
        failed(insula("predict", "hello", "-m", name), "is not finished", "insula train --resume runs/care")


def test_a_folder_of_a_newer_insula(insula: Insula, model: Path) -> None:
    manifest_with(model, format_version=99, insula_version="9.1.0")
    failed(insula("predict", "hello", "-m", model), "format 99", "9.1.0", "pip install --upgrade insula")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"format_version": "one"}, "no format version"),
        ({"format_version": 0}, "no format version"),
        ({"files": {}}, "checksums"),
        ({"files": ["scheme.json"]}, "checksums"),
        ({"backend": "nonsense"}, "nonsense"),
    ],
)
def test_a_tampered_manifest(insula: Insula, model: Path, changed: dict[str, Any], words: str) -> None:
    manifest_with(model, **changed)
    failed(insula("predict", "hello", "-m", model), words)


def test_a_manifest_must_not_reach_outside(insula: Insula, here: Path, model: Path) -> None:
    (here / "secret").write_text("secret", encoding="utf-8")
    files = json.loads((model / "manifest.json").read_text(encoding="utf-8"))["files"]
    manifest_with(model, files={**files, "../secret": "0" * 64})
    failed(insula("predict", "hello", "-m", model), "outside", "'../secret'")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_manifest(insula: Insula, model: Path, content: bytes) -> None:
    (model / "manifest.json").write_bytes(content)
    failed(insula("predict", "hello", "-m", model), "manifest.json")


def test_parts_with_the_wrong_shape_though_the_checksums_fit(insula: Insula, model: Path) -> None:
    from insula.models.folder import seal

    for part in ("scheme.json", "decision.json", "preparation.json"):
        good = (model / part).read_bytes()
        for wrong in ({"names": 3}, {"steps": [1], "calibration": 1, "kind": "single", "name": 1, "names": 1}):
            (model / part).write_text(json.dumps(wrong), encoding="utf-8")
            seal(model, family="linear", backend="linear")
            failed(insula("predict", "hello", "-m", model))
        (model / part).write_bytes(good)


def test_an_evaluation_refuses_a_recipe_it_does_not_understand(insula: Insula, care: Path, model: Path) -> None:
    from insula.models.folder import seal

    (model / "recipe.toml").write_text("[data]\nfrom_the_future = 1\n", encoding="utf-8")
    seal(model, family="linear", backend="linear")
    failed(insula("evaluate", care / "test.csv", "-m", model), "recipe.toml", "upgrade")
