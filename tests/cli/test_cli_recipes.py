"""`insula recipes`: the list with costs, one in full, JSON."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

from insula.training.recipe.recipe import list_builtin_recipes
from insula.training.recipe.recipe_costs import load_recipe_costs

Insula = Callable[..., Any]


def test_the_list_says_what_each_costs_or_that_nobody_knows(insula: Insula) -> None:
    blocks = insula("recipes").stdout
    costs = load_recipe_costs()
    for name, description in list_builtin_recipes().items():
        said = blocks.split(f"{name:<12}{description}\n")[1].split("\n")[0].strip()
        if name in costs:
            base = costs[name][0].base
            assert said.startswith(f"{costs[name][0].data} with {base}: " if base else f"{costs[name][0].data}: ")
            assert f"{costs[name][0].value:.3f}" in said
        else:
            assert said == "not measured"


def test_the_list_as_json(insula: Insula) -> None:
    listed = {one["name"]: one for one in json.loads(insula("recipes", "--json").stdout)}
    assert set(listed) == set(list_builtin_recipes())
    assert listed["linear"]["measured"][0]["train_seconds"] > 0


def test_one_recipe_in_full(insula: Insula) -> None:
    written = tomllib.loads(insula("recipes", "long").stdout)
    assert written["model"]["max_tokens"] == 512
    in_full = json.loads(insula("recipes", "long", "--json").stdout)["model"]
    assert {key: value for key, value in in_full.items() if value is not None} == written["model"]  # TOML knows no null
    assert in_full["revision"] is None
