"""Freezes the lower layers of an encoder, so that their states are computed only once.

With frozen embeddings and k frozen layers, the states of a text never change. They are computed once and cached, and
each epoch runs only the upper layers. Both halves share their parameters with the whole encoder.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from insula.core.errors import RecipeError
from insula.models.networks.encoder import EncoderForEmotion


class _IdentityEmbeddings(nn.Module):
    """Replaces the embeddings and returns the given states."""

    def forward(self, inputs_embeds: torch.Tensor, **_: Any) -> torch.Tensor:
        return inputs_embeds


def freeze_lower(model: EncoderForEmotion, layers: int) -> nn.Module:
    """Freeze the embeddings and the lowest `layers` layers of `model`; return the module that computes their states.

    The module takes `input_ids` and `attention_mask`, and returns `last_hidden_state` (rows, tokens, width), which
    `model` accepts as `lower_states`. Raises `RecipeError` if the encoder is not BERT-shaped or has too few layers.
    """
    stack = getattr(getattr(model.backbone, "encoder", None), "layer", None)
    if not isinstance(stack, nn.ModuleList) or not hasattr(model.backbone, "embeddings"):
        raise RecipeError(
            f"The train.freeze_layers option needs a BERT-shaped encoder (embeddings, encoder.layer). Got "
            f"{type(model.backbone).__name__}. Set train.freeze_layers=0."
        )
    if not 0 < layers < len(stack):
        raise RecipeError(
            f"The train.freeze_layers option must be from 1 to {len(stack) - 1} for this encoder. Got {layers}. "
            "Choose a number in this range."
        )
    lower: nn.Module = _replace_layers(model.backbone, stack[:layers])
    lower.requires_grad_(False)
    lower.eval()
    upper = _replace_layers(model.backbone, stack[layers:])
    upper.embeddings = _IdentityEmbeddings()
    # Not registered as a child: its parameters belong to the backbone already and would be saved twice.
    object.__setattr__(model, "upper", upper)
    return lower


def _replace_layers(backbone: nn.Module, layers: nn.ModuleList) -> Any:
    """Return a shallow copy of the backbone that runs only `layers`."""
    half = _copy_shallow(backbone)
    half.encoder = _copy_shallow(backbone.encoder)
    half.encoder.layer = layers
    return half


def _copy_shallow(module: Any) -> Any:
    twin = copy.copy(module)
    twin._modules = dict(module._modules)  # copy.copy would share the dictionary of children itself
    return twin
