"""The sections of a recipe, as validated options."""

from insula.core.moved import moved_names

__getattr__ = moved_names(
    __name__,
    {
        "ModelOptions": "insula.training.options.sections",
        "TrainOptions": "insula.training.options.sections",
    },
)
