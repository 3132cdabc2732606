"""What the built-in recipes cost and reach, as measured by the benchmarks; see `benchmarks/recipe_costs.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from insula.training.recipe.recipe import BUILTIN


@dataclass(frozen=True)
class RecipeCost:
    """One recipe on one data set, just as it stands: the mean over `seeds`.

    data           the set, and how many of its `rows` were trained on
    metric, value  the headline metric on test rows; `low` and `high` are its 95 % interval where there is one seed
    train_seconds, parameters, rows_per_second   what it took, how large the model is, how fast it predicts
    processor      where that was measured
    base           the encoder, where it was another than the recipe's
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


def recipe_costs() -> Mapping[str, Sequence[RecipeCost]]:
    """Return recipe name to its measurements; recipes that were not measured are left out."""
    known: dict[str, list[dict[str, Any]]] = json.loads((BUILTIN / "measured.json").read_text(encoding="utf-8"))
    return {recipe: [_cost(row) for row in rows] for recipe, rows in known.items()}


def _cost(row: dict[str, Any]) -> RecipeCost:
    named: dict[str, Any] = {field.name: row[field.name] for field in fields(RecipeCost)}
    return RecipeCost(**{**named, "seeds": tuple(row["seeds"])})
