"""Heads: dropout and a linear layer from the pooled vector to the outputs of the scheme, chosen by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from insula.core.registry import Registry


class Head(nn.Module):
    """`(rows, width)` to `(rows, outputs)` logits.

    Weights start at zero, so that the first steps train the head and leave the encoder almost unchanged. With
    `set_base_rates` the biases start at the label frequencies, so that rare labels need not be unlearnt first.

    inner  the output width of the linear layer, which may differ from `outputs`
    """

    def __init__(self, width: int, inner: int, dropout: float, *, bias: bool = True) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, inner, bias=bias)
        nn.init.zeros_(self.output.weight)
        if bias:
            nn.init.zeros_(self.output.bias)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        raise NotImplementedError

    def set_base_rates(self, biases: Sequence[float]) -> None:
        """Set the initial logits, one per output: log-odds, log-frequencies or means, depending on the objective."""
        raise NotImplementedError

    @torch.no_grad()
    def randomise(self, seed: int) -> None:
        """Draw random weights (normal, standard deviation 0.02), as for an untrained model."""
        generator = torch.Generator().manual_seed(seed)
        self.output.weight.normal_(0.0, 0.02, generator=generator)


class LinearHead(Head):
    """One linear layer with separate weights per output."""

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        super().__init__(width, outputs, dropout)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        logits: torch.Tensor = self.output(self.dropout(pooled))
        return logits

    @torch.no_grad()
    def set_base_rates(self, biases: Sequence[float]) -> None:
        """Set the biases."""
        self.output.bias.copy_(torch.tensor(list(biases)))


heads: Registry[Callable[[int, int, float], Head]] = Registry("heads")
heads.register("linear", LinearHead)
heads.register("corn", "insula.models.layers.ordinal_heads:CornHead")
heads.register("coral", "insula.models.layers.ordinal_heads:CoralHead")
