"""Cost and quality of the built-in recipes, measured by `benchmarks/recipe_costs.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from insula.training.recipe.recipe import BUILTIN


@dataclass(frozen=True)
class RecipeCost:
    """One unchanged recipe on one data set: the mean over `seeds`.

    data           the data set, with the number of training `rows`
    metric, value  the headline metric on test rows; `low` and `high` are its 95 % interval for a single seed
    train_seconds, parameters, rows_per_second   training time, model size, prediction speed
    processor      on which it was measured
    base           the encoder, if it was not the recipe's
    """

    data: str
    rows: int
    metric: str
    value: float
    low: float | None
    high: float | None
    seeds: tuple[int, ...]
    train_seconds: float
    parameters: int
    rows_per_second: float
    processor: str
    base: str | None = None


def load_recipe_costs() -> Mapping[str, Sequence[RecipeCost]]:
    """Return the measurements by recipe name; recipes that were not measured are omitted."""
    known: dict[str, list[dict[str, Any]]] = json.loads((BUILTIN / "measured.json").read_text(encoding="utf-8"))
    return {recipe: [_parse_cost(row) for row in rows] for recipe, rows in known.items()}


def _parse_cost(row: dict[str, Any]) -> RecipeCost:
    named: dict[str, Any] = {field.name: row[field.name] for field in fields(RecipeCost)}
    return RecipeCost(**{**named, "seeds": tuple(row["seeds"])})
