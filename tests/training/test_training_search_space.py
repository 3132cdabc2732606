"""Search spaces: files, defaults of the families, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from insula.core.errors import MissingFileError, RecipeError
from insula.training.families.registry import families
from insula.training.recipe.recipe import load_recipe
from insula.training.search.space import Choice, Range, build_default_space, read_space

STANDARD = load_recipe("standard")


@pytest.mark.parametrize("family", list(families))
def test_every_family_has_a_valid_space(family: str) -> None:
    recipe = load_recipe({"model": {"name": family}})
    space = build_default_space(recipe)
    assert len(space) >= 4
    assert read_space({key: entry.model_dump(exclude_defaults=True) for key, entry in space.items()}, recipe) == space


def test_a_file_has_sections_as_a_recipe(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text(
        "[train]\nlearning_rate = {low = 1e-5, high = 1e-3, log = true}\nepochs = {low = 1, high = 4}\n"
        '[model]\npooling = {choices = ["mean", "first"]}\ndropout = {low = 0.0, high = 0.4, step = 0.1}\n',
        encoding="utf-8",
    )
    space = read_space(file, STANDARD)
    assert space == {
        "train.learning_rate": Range(low=1e-5, high=1e-3, log=True),
        "train.epochs": Range(low=1, high=4),
        "model.pooling": Choice(choices=("mean", "first")),
        "model.dropout": Range(low=0.0, high=0.4, step=0.1),
    }
    assert read_space({"train.epochs": {"low": 1, "high": 4}}, STANDARD) == {"train.epochs": space["train.epochs"]}


def test_whole_numbers_stay_whole() -> None:
    assert Range(low=1, high=4).is_integer
    assert not Range(low=1, high=4.5).is_integer
    assert not Range(low=1, high=4, step=0.5).is_integer
    assert Range(low=1, high=4).contains(2)
    assert not Range(low=1, high=4).contains(2.5)
    assert Range(low=0.1, high=0.5, step=0.2).contains(0.3)
    assert not Range(low=0.1, high=0.5, step=0.2).contains(0.4)
    assert not Range(low=0, high=4).contains(True)
    assert Choice(choices=((1, 2), "auto")).contains([1, 2])
    assert Choice(choices=(5, 10)).contains(5.0)
    assert not Choice(choices=(1, 10)).contains(True)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"train": {"learning_rat": {"low": 1e-5, "high": 1e-3}}}, r"'train.learning_rat' .*Did you mean 'train.learn"),
        (
            {"train.learning_rate": {"low": 1e-5, "high": 2}},
            r"has a value that is not valid in a recipe: train.learning_rate must .*2",
        ),
        ({"model": {"pooling": {"choices": ["mean", "median"]}}}, r"model.pooling must .*Got 'median'"),
        ({"train": {"epochs": {"lo": 1, "high": 3}}}, r"'train.epochs' .* is not valid: 'low' is missing"),
        ({"train": {"epochs": {"low": 1, "high": 3, "steps": 1}}}, r"'steps' is not known"),
        ({"train": {"epochs": {"low": 3, "high": 3}}}, "`low` must be below `high`"),
        ({"train": {"epochs": {"low": 0, "high": 3, "log": True}}}, "`low` must be above 0"),
        ({"train": {"epochs": {"low": 1, "high": 3, "log": True, "step": 1}}}, "cannot be combined"),
        ({"train": {"epochs": {"choices": []}}}, r"'train.epochs' .* is not valid: choices"),
        ({"train": {"epochs": 3}}, r"must have \{choices = .*Got 3\. .*--set"),
        ({"data": {"test_fraction": {"low": 0.1, "high": 0.3}}}, r"must not contain 'data.test_fraction'"),
        ({"seed": {"low": 0, "high": 9}}, "must not contain 'seed'"),
        ({"auxiliary": {"sources": {"choices": [[], ["tweets"]]}}}, r"must not contain 'auxiliary.sources'"),
        ({}, "must name at least one option"),
    ],
)
def test_invalid_spaces_are_rejected(space: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_space(space, STANDARD)


def test_choices_must_fit_the_fixed_values() -> None:
    recipe = load_recipe("standard", {"model.pooling": "first"})
    space = {"model.name": {"choices": ["encoder", "lstm"]}}
    assert set(read_space(space, recipe)) == {"model.name"}
    with pytest.raises(
        RecipeError, match=r"has a value that is not valid in a recipe: model.pooling must .*Got 'first'"
    ):
        read_space(space, recipe, fixed=["model.pooling"])


def test_a_missing_or_invalid_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"space\.toml' does not exist"):
        read_space(tmp_path / "space.toml", STANDARD)
    (tmp_path / "space.toml").write_text("[train\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="is not valid TOML"):
        read_space(tmp_path / "space.toml", STANDARD)


def test_one_strength_needs_no_list() -> None:
    assert load_recipe("linear", {"model.strengths": 3.0}).model.strengths == (3.0,)  # type: ignore[attr-defined]
