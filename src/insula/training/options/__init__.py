"""The sections of a recipe, as validated options."""

from typing import TYPE_CHECKING

from insula.core.moved import moved_names

if not TYPE_CHECKING:  # type checkers must not take every name for one that is here
    __getattr__ = moved_names(
        __name__,
        {
            "ModelOptions": "insula.training.options.sections",
            "TrainOptions": "insula.training.options.sections",
        },
    )
