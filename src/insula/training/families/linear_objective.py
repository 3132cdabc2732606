"""Checks the objective of the `linear` family, which supports only its own loss, with class weights."""

from __future__ import annotations

from insula.core.errors import RecipeError
from insula.core.scheme import LabelScheme
from insula.training.objectives.registry import DEFAULTS, check_options
from insula.training.options.objective import ObjectiveOptions


def check_linear(options: ObjectiveOptions, scheme: LabelScheme) -> None:
    """Raise `RecipeError` for another objective than the regression's, and for options that need gradient steps."""
    own = DEFAULTS[scheme.kind]
    if options.name not in ("auto", own):
        raise RecipeError(
            f"The objective.name of model family 'linear' must be auto or {own} for {scheme.kind} labels. "
            f"Got {options.name!r}. Set objective.name=auto, or choose a neural family with model.name."
        )
    for option in ("label_smoothing", "soft_labels", "r_drop", "levels", "terms"):
        if getattr(options, option):
            raise RecipeError(
                f"The objective.{option} option is for networks; model family 'linear' does not support it. "
                f"Got {getattr(options, option)}. Leave it out, or choose a neural family with model.name."
            )
    check_options(options, own, (), scheme)
