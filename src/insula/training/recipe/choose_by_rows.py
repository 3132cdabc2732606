"""Chooses between the models of a recipe by the number of training rows and by what is installed."""

from __future__ import annotations

from collections.abc import Sequence

from insula.core.errors import MissingExtraError
from insula.core.sentences import pluralise
from insula.training.families.registry import families
from insula.training.options.by_rows import RowsOptions
from insula.training.recipe.recipe import Recipe, load_recipe

FALLBACK = "linear"
"""The family that is trained if the chosen one needs packages that are not installed; it needs none."""


def choose_by_rows(recipe: Recipe, rows: int) -> tuple[Recipe, str | None]:
    """Return the recipe for `rows` training rows, and a sentence about the choice.

    The entry of `by_rows` with the highest `above` below `rows` applies. If its packages are not installed, the result
    trains `linear` and the sentence says so. The result has no `by_rows`, keeps the name, and has the sentence in its
    description. A recipe without `by_rows` is returned as it is, with None.
    """
    if recipe.by_rows is None:
        return recipe, None
    entry = max((one for one in recipe.by_rows if one.above < rows), key=lambda one: one.above, default=None)
    chosen, trained = _apply(recipe, entry), recipe.model.name if entry is None else entry.description
    name = recipe.name or "given"
    said = f"Chosen by the recipe {name!r} for {pluralise(rows, 'training row')}: {trained}."
    try:
        families[chosen.model.name].check(chosen.model)
    except MissingExtraError as error:
        if families[FALLBACK].extra is not None or chosen.model.name == FALLBACK:
            raise
        chosen = load_recipe(chosen, {"model.name": FALLBACK})
        said = (
            f"The recipe {name!r} would train for {pluralise(rows, 'training row')}: {trained}. Its packages are not "
            f"all installed, so it trains {FALLBACK}. {error}"
        )
    described = f"{recipe.description} {said}".strip()
    return chosen.model_copy(update={"name": recipe.name, "description": described}), said


def list_variants(recipe: Recipe) -> Sequence[Recipe]:
    """Return the recipes that `choose_by_rows` can choose, without their sentences; the recipe itself comes first."""
    own = recipe.model_copy(update={"by_rows": None})
    chosen = [own, *(_apply(recipe, entry) for entry in recipe.by_rows or ())]
    fallbacks = [load_recipe(own, {"model.name": FALLBACK})] if recipe.by_rows else []
    return [*chosen, *fallbacks]


def _apply(recipe: Recipe, entry: RowsOptions | None) -> Recipe:
    own = recipe.model_copy(update={"by_rows": None})
    return own if entry is None else load_recipe(own, entry.options)
