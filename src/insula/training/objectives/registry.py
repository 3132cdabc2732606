"""The registry of objectives: losses on labels, one per row, which the trainer averages by example weight."""

from __future__ import annotations

from insula.core.errors import RecipeError
from insula.core.registry import Registry
from insula.core.scheme import Kind, LabelScheme
from insula.training.fitting import Rows
from insula.training.objectives.class_weights import compute_label_weights
from insula.training.objectives.objective import Objective, ObjectiveEntry, Targets
from insula.training.objectives.training_targets import unsmooth_labels
from insula.training.options.objective import ObjectiveOptions

DEFAULTS: dict[Kind, str] = {
    "binary": "sigmoid",
    "single": "softmax",
    "multi": "sigmoid",
    "ordinal": "softmax",
    "dimensional": "squared",
}


objectives: Registry[ObjectiveEntry] = Registry("objectives")
objectives.register("sigmoid", "insula.training.objectives.losses:SIGMOID")
objectives.register("softmax", "insula.training.objectives.losses:SOFTMAX")
objectives.register("focal", "insula.training.objectives.losses:FOCAL")
objectives.register("asymmetric", "insula.training.objectives.losses:ASYMMETRIC")
objectives.register("corn", "insula.training.objectives.losses:CORN")
objectives.register("coral", "insula.training.objectives.losses:CORAL")
objectives.register("squared", "insula.training.objectives.losses:SQUARED")
objectives.register("ccc", "insula.training.objectives.losses:CCC")


def build_targets(scheme: LabelScheme, gold: Targets) -> Targets:
    """Return the (rows, outputs) targets of a (rows, labels) gold matrix: binary has one output, the positive label."""
    return gold[:, 1:] if scheme.kind == "binary" else gold


def choose_objective(options: ObjectiveOptions, scheme: LabelScheme, train: Rows | None = None) -> Objective:
    """Return the objective that the options name; `auto` follows the kind of the scheme.

    train  the training rows, from which the class weights of multi-label schemes are computed; None for no weights

    Raises `RecipeError` if objective or options do not fit the scheme (a softmax over one output, for example, would
    silently learn nothing), `UnknownNameError` for an unknown name.
    """
    name = DEFAULTS[scheme.kind] if options.name == "auto" else options.name
    entry = objectives[name]
    if scheme.kind not in entry.kinds:
        raise RecipeError(
            f"The objective.name {name!r} is for {' and '.join(entry.kinds)} labels. "
            f"Got {scheme.kind} labels. Set objective.name=auto."
        )
    check_options(options, name, entry.options, scheme)
    weights = None
    if scheme.kind == "multi" and train is not None:
        hard = unsmooth_labels(train.gold, scheme.kind, options.label_smoothing)
        weights = compute_label_weights(hard, train.labelled_weights, options.class_weights, options.beta)
    return entry.build(options, scheme.kind, weights)


def check_options(options: ObjectiveOptions, name: str, read: tuple[str, ...], scheme: LabelScheme) -> None:
    """Raise `RecipeError` for an option that objective `name` or a dimensional scheme does not use."""
    if options.class_weights == "effective":
        read = (*read, "beta")
    for option in ("gamma", "gamma_negative", "gamma_positive", "clip", "beta"):
        default = ObjectiveOptions.model_fields[option].default
        if option not in read and getattr(options, option) != default:
            reader = "class_weights=effective" if option == "beta" else "another objective.name"
            raise RecipeError(
                f"The objective.{option} option belongs to {reader}; objective {name!r} does not read it. "
                f"Got {getattr(options, option):g}. Leave it out."
            )
    if scheme.kind == "dimensional":
        unset = {"class_weights": ("auto", "none"), "label_smoothing": (0,), "soft_labels": (False,)}
        for option, values in unset.items():
            if getattr(options, option) not in values:
                raise RecipeError(
                    f"The objective.{option} option is for categorical labels, and this scheme is dimensional. "
                    f"Got {getattr(options, option)!r}. Leave it out."
                )
