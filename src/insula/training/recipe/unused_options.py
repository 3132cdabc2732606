"""Options of a recipe that will do nothing, told before a training."""

from __future__ import annotations

import json
from collections.abc import Mapping

from insula.core.scheme import Kind
from insula.training.families.registry import families
from insula.training.options.sections import DecisionOptions, Section, TrainOptions
from insula.training.recipe.recipe import Recipe

SWITCHES = {"adapter": "method", "distil": "teachers", "auxiliary": "sources"}
"""Sections that do nothing while one option of theirs is as it comes."""
DECIDED: Mapping[str, tuple[Kind, ...]] = {
    "thresholds": ("binary", "multi"),
    "class_offsets": ("single", "ordinal"),
    "coverage": ("binary", "single", "multi", "ordinal"),
}
"""Options of `decision` that only some kinds of labels have a use for."""


def idle_options(recipe: Recipe, kind: Kind) -> list[str]:
    """Return a sentence on options that do nothing: a search may leave them so, a person forgets.

    They belong to a section that is switched off, to networks where the family is none, or to labels of a kind
    other than `kind`.
    """
    found = []
    for name, switch in SWITCHES.items():
        section = getattr(recipe, name)
        changed = [f"{name}.{option}" for option in _changed(section, type(section)())]
        if changed and f"{name}.{switch}" not in changed:
            off = json.dumps(getattr(section, switch))
            found.append(f"{' and '.join(changed)} will do nothing: {name}.{switch} is {off}. Set it, too.")
    family = families[recipe.model.name]
    changed = [f"train.{option}" for option in _changed(recipe.train, TrainOptions(**family.train))]
    if changed and not family.neural:
        found.append(
            f"{' and '.join(changed)} will do nothing: the family {recipe.model.name!r} is no network. Leave it out, "
            "or choose another model.name."
        )
    for option in _changed(recipe.decision, DecisionOptions()):
        kinds = DECIDED.get(option, (kind,))
        if kind not in kinds:
            found.append(
                f"decision.{option} will do nothing: it is for {', '.join(kinds)} labels, and these are {kind}. "
                "Leave it out."
            )
    return found


def _changed(section: Section, as_it_comes: Section) -> list[str]:
    """Return the options in which a section is not as it comes."""
    return [one for one in type(section).model_fields if getattr(section, one) != getattr(as_it_comes, one)]
