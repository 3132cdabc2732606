"""An adapted model kept beside its base: the folder holds what was trained, and says which weights it belongs to.

adapter.safetensors   adapter, pooling, head
adapter.json          the base, its revision, and the SHA-256 of each of its weight files
config.json           as of any neural model, with the adapter's settings
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, PreTrainedModel

from insula.core.errors import InsulaError, ModelFolderError
from insula.core.files import sha256, write_json
from insula.models.layers.adapters import is_trained_parameter
from insula.models.networks.architectures import architectures
from insula.models.pretrained import encoder_errors, locate_encoder
from insula.models.quiet import quiet_transformers

SETTINGS = "adapter.json"
WEIGHTS = "adapter.safetensors"


def save_adapter(model: PreTrainedModel, folder: Path, *, base: str, revision: str | None) -> None:
    """Write the folder's three files; `base` and `revision` as `locate_encoder` takes them."""
    own = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if is_trained_parameter(name)}
    save_file(own, folder / WEIGHTS, metadata={"format": "pt"})
    model.config.save_pretrained(folder)
    source = locate_encoder(base, revision)
    named = str(source.absolute()) if Path(base).is_dir() else base
    write_json(folder / SETTINGS, {"base": named, "revision": revision, "weights": _checksums(source)})


def needs_base(folder: Path) -> bool:
    """Whether the model in `folder` needs its base to be opened."""
    return (folder / SETTINGS).exists()


def open_with_base(folder: Path) -> PreTrainedModel:
    """Return the adapted model in float32, ready to predict.

    Raises `ModelFolderError` where the base is not there, or its weights are not those that it was trained on.
    """
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    base = settings["base"]
    try:
        source = locate_encoder(base, settings["revision"])
    except InsulaError as error:
        raise ModelFolderError(
            f"The model folder {str(folder)!r} was kept beside its base {base!r}, which is not to be had: {error} "
            "Put it back, or train again with adapter.merge=true."
        ) from error
    if _checksums(source) != settings["weights"]:
        raise ModelFolderError(
            f"The base {base!r} of model folder {str(folder)!r} has other weights than those it was trained on "
            "(their checksum differs). Put them back, or train again."
        )
    architecture = architectures[json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]]
    config = architecture.config_class.from_pretrained(folder, local_files_only=True)
    with encoder_errors(source), quiet_transformers():
        backbone = AutoModel.from_pretrained(source, dtype=torch.float32, trust_remote_code=False)
    model = architecture(config, backbone)  # it inserts the adapter, as the configuration says
    missing, unknown = model.load_state_dict(load_file(folder / WEIGHTS), strict=False)
    lacking = [name for name in missing if is_trained_parameter(name)]
    if lacking or unknown:
        raise ModelFolderError(
            f"The {WEIGHTS} of {str(folder)!r} do not fit its config.json ({', '.join([*lacking, *unknown][:3])}). "
            "Copy the folder again, or train again."
        )
    return model.eval()


def _checksums(source: Path) -> dict[str, str]:
    """Return the SHA-256 of each weight file by its name."""
    return {
        file.name: sha256(file)
        for pattern in ("*.safetensors", "pytorch_model*.bin")
        for file in sorted(source.glob(pattern))
    }
