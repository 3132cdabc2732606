"""Adapter models stored without their base: the folder has only the trained weights and a reference to the base.

adapter.safetensors   weights of adapter, pooling and head
adapter.json          the base, its revision, and the SHA-256 of each of its weight files
config.json           as for any neural model, with the settings of the adapter
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, PreTrainedModel

from insula.core.errors import InsulaError, ModelFolderError
from insula.core.files import hash_file, write_json
from insula.models.layers.adapters import is_trained_parameter
from insula.models.networks.architectures import architectures
from insula.models.pretrained import convert_encoder_errors, locate_encoder
from insula.models.quiet import silence_transformers

SETTINGS = "adapter.json"
WEIGHTS = "adapter.safetensors"


def save_adapter(model: PreTrainedModel, folder: Path, *, base: str, revision: str | None) -> None:
    """Write the three files of the folder. `base` and `revision` are those of `locate_encoder`."""
    own = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if is_trained_parameter(name)}
    save_file(own, folder / WEIGHTS, metadata={"format": "pt"})
    model.config.save_pretrained(folder)
    source = locate_encoder(base, revision)
    named = str(source.absolute()) if Path(base).is_dir() else base
    write_json(folder / SETTINGS, {"base": named, "revision": revision, "weights": _compute_checksums(source)})


def needs_base(folder: Path) -> bool:
    """Return whether the model in `folder` is stored without its base."""
    return (folder / SETTINGS).exists()


def open_with_base(folder: Path) -> PreTrainedModel:
    """Load the base and the adapter; return the model in float32 and evaluation mode.

    Raises `ModelFolderError` if the base is missing or its weights differ from those used in training.
    """
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    base = settings["base"]
    try:
        source = locate_encoder(base, settings["revision"])
    except InsulaError as error:
        raise ModelFolderError(
            f"The model folder {str(folder)!r} is stored without its base {base!r}, which cannot be found: {error} "
            "Restore the base, or train again with adapter.merge=true."
        ) from error
    if _compute_checksums(source) != settings["weights"]:
        raise ModelFolderError(
            f"The weights of base {base!r} differ from those that model folder {str(folder)!r} was trained on (by "
            "checksum). Restore them, or train again."
        )
    architecture = architectures[json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]]
    config = architecture.config_class.from_pretrained(folder, local_files_only=True)
    with convert_encoder_errors(source), silence_transformers():
        backbone = AutoModel.from_pretrained(source, dtype=torch.float32, trust_remote_code=False)
    model = architecture(config, backbone)  # inserts the adapter that the configuration describes
    missing, unknown = model.load_state_dict(load_file(folder / WEIGHTS), strict=False)
    lacking = [name for name in missing if is_trained_parameter(name)]
    if lacking or unknown:
        raise ModelFolderError(
            f"The {WEIGHTS} of {str(folder)!r} does not match its config.json ({', '.join([*lacking, *unknown][:3])}). "
            "Copy the folder again, or train again."
        )
    return model.eval()


def _compute_checksums(source: Path) -> dict[str, str]:
    """Return the name and SHA-256 of each weight file."""
    return {
        file.name: hash_file(file)
        for pattern in ("*.safetensors", "pytorch_model*.bin")
        for file in sorted(source.glob(pattern))
    }
