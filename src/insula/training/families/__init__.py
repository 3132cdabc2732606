"""Model families: one file a family, and their registry."""

from insula.core.moved import moved_names

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
