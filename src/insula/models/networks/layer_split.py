"""Freezing the lower layers of an encoder, so that their states need computing only once.

With the embeddings and the lowest k layers frozen, what they say of a text never changes: it is computed once, kept,
and each epoch runs the upper layers alone. Both halves share their parameters with the whole encoder.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from insula.core.errors import RecipeError
from insula.models.networks.encoder import EncoderForEmotion


class _GivenStates(nn.Module):
    """Stands where the embeddings stood: the states come from outside."""

    def forward(self, inputs_embeds: torch.Tensor, **_: Any) -> torch.Tensor:
        return inputs_embeds


def freeze_lower(model: EncoderForEmotion, layers: int) -> nn.Module:
    """Freeze embeddings and the lowest `layers` layers of `model`; return the module that computes their states.

    The returned module takes `input_ids`, `attention_mask` and gives `last_hidden_state` (rows, tokens, width), which
    `model` accepts as `lower_states`. Raises `RecipeError` where the encoder is not BERT-shaped or has too few layers.
    """
    stack = getattr(getattr(model.backbone, "encoder", None), "layer", None)
    if not isinstance(stack, nn.ModuleList) or not hasattr(model.backbone, "embeddings"):
        raise RecipeError(
            f"The train.freeze_layers option needs a BERT-shaped encoder (embeddings, encoder.layer). Got "
            f"{type(model.backbone).__name__}. Set train.freeze_layers=0."
        )
    if not 0 < layers < len(stack):
        raise RecipeError(f"The train.freeze_layers option must be 1 to {len(stack) - 1} here. Got {layers}.")
    lower: nn.Module = _with_layers(model.backbone, stack[:layers])
    lower.requires_grad_(False)
    lower.eval()
    upper = _with_layers(model.backbone, stack[layers:])
    upper.embeddings = _GivenStates()
    # Not registered as a child: its parameters are already the backbone's, and would be saved twice.
    object.__setattr__(model, "upper", upper)
    return lower


def _with_layers(backbone: nn.Module, layers: nn.ModuleList) -> Any:
    """Return a copy of the backbone that shares everything but which layers it runs."""
    half = _shallow(backbone)
    half.encoder = _shallow(backbone.encoder)
    half.encoder.layer = layers
    return half


def _shallow(module: Any) -> Any:
    twin = copy.copy(module)
    twin._modules = dict(module._modules)  # copy.copy would share the dictionary of children itself
    return twin
