"""Finds options of a recipe that have no effect, to warn before training."""

from __future__ import annotations

import json
from collections.abc import Mapping

from insula.core.scheme import Kind
from insula.training.families.registry import families
from insula.training.options.sections import DecisionOptions, Section, TrainOptions
from insula.training.recipe.recipe import Recipe

SWITCHES: Mapping[str, tuple[str, ...]] = {
    "augment": ("methods",),
    "adapter": ("method",),
    "distil": ("teachers",),
    "auxiliary": ("sources",),
    "adversarial": ("fgm", "pgd", "freelb", "vat"),
    "robust": ("group_dro", "pairs"),
}
"""Sections that have no effect while all of these options have their defaults."""
KINDS_OF_DECISION: Mapping[str, tuple[Kind, ...]] = {
    "thresholds": ("binary", "multi"),
    "class_offsets": ("single", "ordinal"),
    "coverage": ("binary", "single", "multi", "ordinal"),
}
"""The kinds of label schemes that use each option of `decision`; other options apply to all."""


def find_unused_options(recipe: Recipe, kind: Kind) -> list[str]:
    """Return a sentence for each group of options that have no effect.

    They belong to a section that is switched off, are for neural families while the family is not neural, or are for
    schemes of another kind than `kind`.
    """
    found = []
    for name, switches in SWITCHES.items():
        section = getattr(recipe, name)
        changed = _list_changed(section, type(section)())
        if changed and not set(switches) & set(changed):
            options = " and ".join(f"{name}.{option}" for option in changed)
            off = " and ".join(f"{name}.{switch} is {json.dumps(getattr(section, switch))}" for switch in switches)
            found.append(f"{options} will do nothing: {off}. Set {'it' if len(switches) == 1 else 'one of them'} too.")
    family = families[recipe.model.name]
    changed = [f"train.{option}" for option in _list_changed(recipe.train, TrainOptions(**family.train))]
    if changed and not family.neural:
        found.append(
            f"{' and '.join(changed)} will do nothing: the family {recipe.model.name!r} is not neural. Leave it out, "
            "or choose another model.name."
        )
    for option in _list_changed(recipe.decision, DecisionOptions()):
        kinds = KINDS_OF_DECISION.get(option, (kind,))
        if kind not in kinds:
            found.append(
                f"decision.{option} will do nothing: it is for {', '.join(kinds)} labels, and these are {kind}. "
                "Leave it out."
            )
    return found


def _list_changed(section: Section, default: Section) -> list[str]:
    """Return the options of a section that differ from its default."""
    return [one for one in type(section).model_fields if getattr(section, one) != getattr(default, one)]
