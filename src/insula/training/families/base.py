"""The pretrained network that a family starts from: an encoder, or a trained model."""

from __future__ import annotations

from pathlib import Path

from insula.core.errors import RecipeError
from insula.models.folder import MANIFEST, ModelFolder, open_folder
from insula.models.pretrained import locate_encoder
from insula.training.fitting import Base
from insula.training.options.pretrained import PretrainedOptions
from insula.training.options.sections import ModelOptions


def locate_base(options: ModelOptions) -> Base:
    """Return the network that the options of `encoder` or `decoder` name.

    Raises what `locate_encoder` and `find_trained_base` raise.
    """
    if not isinstance(options, PretrainedOptions):
        raise TypeError(
            f"The options of locate_base must be PretrainedOptions. Got {type(options).__name__}. Derive the options "
            "of the family from PretrainedOptions."
        )
    trained = find_trained_base(options)
    return Base(locate_encoder(options.base, options.revision), trained)


def find_trained_base(options: ModelOptions) -> ModelFolder | None:
    """Return the model folder that the option `base` names; None if it is no model folder or no option.

    Raises `RecipeError` for a model folder of another family or without weights, `ModelFolderError` like `open_folder`.
    """
    base = getattr(options, "base", None)
    if not isinstance(base, str) or not (Path(base) / MANIFEST).is_file():
        return None
    folder = open_folder(base)
    if folder.family != options.name or not (folder.path / "model.safetensors").exists():
        raise RecipeError(
            f"The model.base option must be a pretrained network, or a model folder of family {options.name!r} with "
            f"its model.safetensors. Got {base!r} of family {folder.family!r} and backend {folder.backend!r}. Name "
            "another base."
        )
    return folder
