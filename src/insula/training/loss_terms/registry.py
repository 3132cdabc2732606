"""The registry of loss terms, and the terms that a recipe uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from insula.core.registry import Registry
from insula.training.loss_terms.term import LossTerm, TermInput

Build = Callable[[TermInput], LossTerm | None]
"""Builds a term; None if the recipe does not use it."""

BUILT_IN = (
    "labels", "group-dro", "levels", "teacher", "tasks", "r-drop", "fgm", "pgd", "freelb", "vat", "pairs",
)  # fmt: skip
"""Terms with their own options in a recipe, in the order in which they are added up."""

loss_terms: Registry[Build] = Registry("loss_terms")
loss_terms.register("labels", "insula.training.loss_terms.objective_terms:build_labels")
loss_terms.register("group-dro", "insula.training.loss_terms.groups:build")
loss_terms.register("levels", "insula.training.loss_terms.levels:build")
loss_terms.register("teacher", "insula.training.loss_terms.teacher:build")
loss_terms.register("tasks", "insula.training.loss_terms.tasks:build")
loss_terms.register("r-drop", "insula.training.loss_terms.objective_terms:build_r_drop")
loss_terms.register("fgm", "insula.training.loss_terms.adversarial:build_fgm")
loss_terms.register("pgd", "insula.training.loss_terms.adversarial:build_pgd")
loss_terms.register("freelb", "insula.training.loss_terms.adversarial:build_freelb")
loss_terms.register("vat", "insula.training.loss_terms.virtual:build")
loss_terms.register("pairs", "insula.training.loss_terms.pairs:build")


def build_terms(term_input: TermInput) -> list[LossTerm]:
    """Return the terms that the recipe uses: built-in terms first, then `objective.terms`.

    Raises `RecipeError` if a term does not fit the scheme.
    """
    named = {name: weight for name, weight in sorted((term_input.plan.objective.terms or {}).items()) if weight > 0}
    built = [loss_terms[name](term_input) for name in BUILT_IN]
    built += [loss_terms[name](dataclasses.replace(term_input, weight=weight)) for name, weight in named.items()]
    return [term for term in built if term is not None]
