"""Model families: one file a family, and their registry."""

from typing import TYPE_CHECKING

from insula.core.moved import moved_names

if not TYPE_CHECKING:  # type checkers must not take every name for one that is here
    __getattr__ = moved_names(
        __name__,
        {
            "Family": "insula.training.families.registry",
            "FitInput": "insula.training.families.old_fitters",
            "Fitted": "insula.training.fitting",
            "Rows": "insula.training.fitting",
            "Task": "insula.training.fitting",
            "families": "insula.training.families.registry",
        },
    )
