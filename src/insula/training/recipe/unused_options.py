"""Finds options of a recipe that have no effect, to warn before training."""

from __future__ import annotations

import json
from collections.abc import Mapping

from insula.core.scheme import Kind
from insula.training.families.registry import families
from insula.training.options.sections import DecisionOptions, Section, TrainOptions
from insula.training.recipe.recipe import Recipe

SWITCHES = {"adapter": "method", "distil": "teachers", "auxiliary": "sources"}
"""Sections that have no effect while this option has its default."""
KINDS_OF_DECISION: Mapping[str, tuple[Kind, ...]] = {
    "thresholds": ("binary", "multi"),
    "class_offsets": ("single", "ordinal"),
    "coverage": ("binary", "single", "multi", "ordinal"),
}
"""The kinds of label schemes that use each option of `decision`; other options apply to all."""


def unused_options(recipe: Recipe, kind: Kind) -> list[str]:
    """Return a sentence for each group of options that have no effect.

    They belong to a section that is switched off, are for neural families while the family is not neural, or are for
    schemes of another kind than `kind`.
    """
    found = []
    for name, switch in SWITCHES.items():
        section = getattr(recipe, name)
        changed = [f"{name}.{option}" for option in _changed(section, type(section)())]
        if changed and f"{name}.{switch}" not in changed:
            off = json.dumps(getattr(section, switch))
            found.append(f"{' and '.join(changed)} will do nothing: {name}.{switch} is {off}. Set it too.")
    family = families[recipe.model.name]
    changed = [f"train.{option}" for option in _changed(recipe.train, TrainOptions(**family.train))]
    if changed and not family.neural:
        found.append(
            f"{' and '.join(changed)} will do nothing: the family {recipe.model.name!r} is not neural. Leave it out, "
            "or choose another model.name."
        )
    for option in _changed(recipe.decision, DecisionOptions()):
        kinds = KINDS_OF_DECISION.get(option, (kind,))
        if kind not in kinds:
            found.append(
                f"decision.{option} will do nothing: it is for {', '.join(kinds)} labels, and these are {kind}. "
                "Leave it out."
            )
    return found


def _changed(section: Section, default: Section) -> list[str]:
    """Return the options of a section that differ from its default."""
    return [one for one in type(section).model_fields if getattr(section, one) != getattr(default, one)]
