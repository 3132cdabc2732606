"""A trained model as the base of another: its labels must be the same, and its training rows not be measured on."""

from __future__ import annotations

from insula.core.errors import RecipeError
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
from insula.data.splits.leak import Fingerprint
from insula.models.folder import ModelFolder
from insula.models.provenance import split_fingerprints
from insula.training.transfer.teachers import refuse_seen


def check_base(base: ModelFolder | None, dataset: Dataset) -> None:
    """Reject a trained base that cannot be trained further honestly.

    Raises `RecipeError` where it has other labels than the data set, `LeakError` where it was trained on rows that are
    measured on.
    """
    if base is not None:
        require_labels(base, dataset.scheme)
        refuse_seen(base, dataset, called=f"base {str(base.path)!r}")


def require_labels(base: ModelFolder, scheme: LabelScheme) -> None:
    """Raise `RecipeError` unless a base has just these labels in this order: its head would mean others."""
    if not base.scheme.has_labels_of(scheme):
        raise RecipeError(
            f"The model.base option must name a model with the labels of the data ({scheme.kind}: "
            f"{', '.join(scheme.names)}). Got {base.scheme.kind}: {', '.join(base.scheme.names)}. Name another."
        )


def base_fingerprint(base: ModelFolder | None) -> dict[str, Fingerprint]:
    """Return the fingerprint of a trained base's training rows, as a part of that of the model made of it."""
    known = None if base is None else split_fingerprints(base.path).get("train")
    return {} if known is None else {"base": known}
