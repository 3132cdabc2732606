"""`list_runs` and `insula runs`: finished, unfinished and damaged runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import insula
from insula.cli.app import app
from insula.core.errors import MissingFileError
from insula.training.recipe.earlier_descriptions import NAMES
from insula.training.recipe.recipe import list_builtin_recipes, load_recipe


@pytest.fixture
def runs(tmp_path: Path, trained_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with three runs: finished, interrupted, with a damaged metrics.json."""
    run, folder = trained_run("linear", "single").path, tmp_path / "runs"
    for name in ("finished", "interrupted", "damaged"):
        shutil.copytree(run, folder / name)
    content = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    recipe = load_recipe("linear", {"seed": 7}).model_dump(mode="json")
    changed = {**content, "recipe": recipe, "created": "2026-11-02T08:00:00+00:00"}
    (folder / "finished" / "metrics.json").write_text(json.dumps(changed), encoding="utf-8")
    (folder / "interrupted" / "metrics.json").unlink()
    (folder / "interrupted" / "run.json").write_text(json.dumps({"source": ["/a/b/messages.csv"]}), encoding="utf-8")
    (folder / "damaged" / "metrics.json").write_text("{", encoding="utf-8")
    (folder / "notes").mkdir()
    monkeypatch.chdir(tmp_path)
    return folder


def test_runs_are_listed_with_their_score(runs: Path) -> None:
    found = {Path(run.path).name: run for run in insula.list_runs()}
    assert {name: run.state for name, run in found.items()} == {
        "finished": "finished", "interrupted": "unfinished", "damaged": "damaged",
    }  # fmt: skip
    finished, measured = found["finished"], json.loads((runs / "finished" / "metrics.json").read_text())
    headline = measured["test"]["metrics"][measured["test"]["headline"]]
    assert (finished.value, finished.low, finished.high) == (headline["value"], headline["low"], headline["high"])
    assert (finished.metric, finished.split, finished.rows) == ("macro_f1", "test", measured["test"]["rows"])
    assert (finished.data, finished.recipe) == (measured["data"]["name"], "linear, seed=7")
    assert (found["interrupted"].data, found["interrupted"].value) == ("messages.csv", None)


def test_a_recipe_of_ones_own_is_named_by_its_family(runs: Path) -> None:
    file = runs / "finished" / "metrics.json"
    content = json.loads(file.read_text())
    content["recipe"] |= {"name": None, "description": "ours"}
    file.write_text(json.dumps(content), encoding="utf-8")
    assert next(run.recipe for run in insula.list_runs(runs) if run.state == "finished") == "linear"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ({"name": "linear", "description": "reworded"}, "linear, seed=7"),
        (
            {"name": None, "description": next(text for text, name in NAMES.items() if name == "linear")},
            "linear, seed=7",
        ),
        ({"name": "quick"}, "linear"),  # of another family
        ({"name": "gone"}, "linear"),
    ],
)
def test_recipes_are_recognised_by_name_or_former_description(runs: Path, stored: dict[str, Any], shown: str) -> None:
    file = runs / "finished" / "metrics.json"
    content = json.loads(file.read_text())
    content["recipe"] |= stored
    file.write_text(json.dumps(content), encoding="utf-8")
    assert next(run.recipe for run in insula.list_runs(runs) if run.state == "finished") == shown


def test_the_command_prints_the_newest_first(runs: Path) -> None:
    shown = CliRunner().invoke(app, ["runs"]).stdout.splitlines()
    assert shown[0].split() == ["run", "data", "recipe", "score", "date"]
    assert shown[-1].startswith("runs/finished")
    assert "macro-F1 " in shown[-1]
    assert shown[-1].endswith("2026-11-02")
    listed = json.loads(CliRunner().invoke(app, ["runs", str(runs), "--json"]).stdout)
    assert [run["path"] for run in listed] == [run.path for run in insula.list_runs(runs)]


def test_a_folder_without_runs_is_no_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["runs", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "insula train DATA" in result.stderr
    with pytest.raises(MissingFileError, match="There is no folder"):
        insula.list_runs(tmp_path / "nowhere")


def test_every_built_in_recipe_stores_its_name() -> None:
    assert all(load_recipe(name).name == name for name in list_builtin_recipes())
    assert set(NAMES.values()) <= set(list_builtin_recipes())
    assert load_recipe("quick", {"model.name": "linear"}).name is None
