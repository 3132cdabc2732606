"""Checks a trained model that is the base of another: same labels, no training rows in validation or test."""

from __future__ import annotations

from insula.core.errors import RecipeError
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
from insula.data.splits.leak import Fingerprint
from insula.models.folder import ModelFolder
from insula.models.provenance import split_fingerprints
from insula.training.transfer.teachers import require_unseen


def check_base(base: ModelFolder | None, dataset: Dataset) -> None:
    """Reject a trained base that does not fit the data set.

    Raises `RecipeError` if it has other labels, `LeakError` if it was trained on validation or test rows.
    """
    if base is not None:
        require_labels(base, dataset.scheme)
        require_unseen(base, dataset, called=f"base {str(base.path)!r}")


def require_labels(base: ModelFolder, scheme: LabelScheme) -> None:
    """Raise `RecipeError` unless a base has the labels of the scheme in the same order, as its head is reused."""
    if not base.scheme.has_labels_of(scheme):
        raise RecipeError(
            f"The model.base option must name a model with the labels of the data ({scheme.kind}: "
            f"{', '.join(scheme.names)}). Got {base.scheme.kind}: {', '.join(base.scheme.names)}. Choose another base."
        )


def get_base_fingerprint(base: ModelFolder | None) -> dict[str, Fingerprint]:
    """Return the fingerprint of the base's training rows, to be stored with the new model."""
    known = None if base is None else split_fingerprints(base.path).get("train")
    return {} if known is None else {"base": known}
