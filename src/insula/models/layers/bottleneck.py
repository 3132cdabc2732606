"""Bottleneck adapters: a narrow residual network after attention and after feed-forward."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F
from transformers.pytorch_utils import Conv1D

PARAMETER_PREFIX = "bottleneck_"
"""In the names of all parameters of a bottleneck, and of no encoder."""


class Bottleneck(nn.Module):
    """`h + up(gelu(down(h)))`, where `h` is the output of a linear layer: Houlsby et al. 2019, figure 2.

    It replaces that layer, before the residual sum, and starts as the identity (`up` is zero). Unlike in the paper, the
    surrounding layer norms are not trained.
    """

    def __init__(self, base_layer: nn.Module, width: int, narrow: int) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck_down = nn.Linear(width, narrow)
        self.bottleneck_up = nn.Linear(narrow, width)
        nn.init.normal_(self.bottleneck_down.weight, std=0.01)
        nn.init.zeros_(self.bottleneck_down.bias)
        nn.init.zeros_(self.bottleneck_up.weight)
        nn.init.zeros_(self.bottleneck_up.bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return (..., width) states."""
        base: torch.Tensor = self.base_layer(states)
        update: torch.Tensor = self.bottleneck_up(F.gelu(self.bottleneck_down(base)))
        return base + update


def insert_bottlenecks(backbone: nn.Module, targets: Sequence[str], reduction: int) -> None:
    """Insert a bottleneck after each named linear layer of `backbone`, and freeze all other parameters."""
    backbone.requires_grad_(False)
    for name in targets:
        layer = backbone.get_submodule(name)
        width = int(layer.nf) if isinstance(layer, Conv1D) else int(layer.out_features)  # type: ignore[arg-type]
        parent, _, child = name.rpartition(".")
        setattr(backbone.get_submodule(parent), child, Bottleneck(layer, width, max(1, width // reduction)))
