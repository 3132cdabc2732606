"""Bottleneck adapters: a narrow detour behind attention and behind feed-forward."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F
from transformers.pytorch_utils import Conv1D

PARAMETER_PREFIX = "bottleneck_"
"""What the names of a bottleneck's own parameters hold, and no encoder's do."""


class Bottleneck(nn.Module):
    """`h + up(gelu(down(h)))` with `h` what a linear map gives: Houlsby et al. 2019, figure 2.

    It stands where that map stood, before the residual sum, and begins as the identity (`up` is zero). The layer norms
    around it, which the paper trains too, stay as they are.
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
        given: torch.Tensor = self.base_layer(states)
        detour: torch.Tensor = self.bottleneck_up(F.gelu(self.bottleneck_down(given)))
        return given + detour


def insert_bottlenecks(backbone: nn.Module, targets: Sequence[str], reduction: int) -> None:
    """Put a bottleneck behind each named linear map of `backbone`; all else is frozen."""
    backbone.requires_grad_(False)
    for name in targets:
        layer = backbone.get_submodule(name)
        width = int(layer.nf) if isinstance(layer, Conv1D) else int(layer.out_features)  # type: ignore[arg-type]
        parent, _, child = name.rpartition(".")
        setattr(backbone.get_submodule(parent), child, Bottleneck(layer, width, max(1, width // reduction)))
