"""A trained model as the base of another: its network whole, head included, and what keeps that honest."""

from __future__ import annotations

from pathlib import Path

from insula.core.errors import RecipeError
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
from insula.data.splits.leak import Fingerprint
from insula.models.folder import MANIFEST, ModelFolder, open_folder
from insula.models.provenance import fingerprints
from insula.training.options.pretrained import PretrainedOptions
from insula.training.options.sections import ModelOptions
from insula.training.transfer.teachers import refuse_seen


def trained_base(model: ModelOptions) -> ModelFolder | None:
    """Return the model folder that `model.base` names, None where that is no model of insula's.

    Raises `RecipeError` where it is one without a network of this family in it, `ModelFolderError` as `open_folder`.
    """
    if not isinstance(model, PretrainedOptions) or not (Path(model.base) / MANIFEST).is_file():
        return None
    folder = open_folder(model.base)
    if folder.family != model.name or not (folder.path / "model.safetensors").exists():
        raise RecipeError(
            f"The model.base option must be a pretrained network, or a model folder of family {model.name!r} with its "
            f"model.safetensors. Got {model.base!r}, of family {folder.family!r}, run by {folder.backend!r}. Name "
            "another."
        )
    return folder


def check_base(model: ModelOptions, dataset: Dataset) -> None:
    """Refuse a trained base that cannot be gone on with honestly.

    Raises `RecipeError` where it has other labels than the data set, `LeakError` where it learnt from rows that are
    measured on.
    """
    base = trained_base(model)
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


def base_fingerprint(model: ModelOptions) -> dict[str, Fingerprint]:
    """Return the fingerprint of what a trained base learnt from, as a part of that of the model made of it."""
    base = trained_base(model)
    learnt = None if base is None else fingerprints(base.path).get("train")
    return {} if learnt is None else {"base": learnt}
