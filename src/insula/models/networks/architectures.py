"""The registry of neural architectures by the `model_type` in the `config.json` of a model folder."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import PreTrainedModel

from insula.core.errors import ModelFolderError
from insula.core.registry import Registry
from insula.models.quiet import silence_transformers

architectures: Registry[type[PreTrainedModel]] = Registry("architectures")
architectures.register("insula-encoder", "insula.models.networks.encoder:EncoderForEmotion")
architectures.register("insula-textcnn", "insula.models.networks.textcnn:TextCnnForEmotion")
architectures.register("insula-recurrent", "insula.models.networks.recurrent:RecurrentForEmotion")
architectures.register("insula-transformer", "insula.models.networks.transformer:TransformerForEmotion")
architectures.register("insula-static", "insula.models.networks.static:StaticForEmotion")


def load_network(folder: Path) -> PreTrainedModel:
    """Load the trained network of a model folder in float32 and evaluation mode.

    Raises `ModelFolderError` if `config.json` is missing, `UnknownNameError` if its architecture is not registered.
    """
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise ModelFolderError(
            f"The model folder {str(folder)!r} has no config.json that names an architecture. Copy the folder again."
        ) from error
    with silence_transformers():
        network = architectures[kind].from_pretrained(
            folder, dtype=torch.float32, trust_remote_code=False, local_files_only=True
        )
    return network.eval()
