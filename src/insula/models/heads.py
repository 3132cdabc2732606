"""What stands on a pooled vector: dropout and one linear map to the scheme's outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


class LinearHead(nn.Module):
    """`(rows, width)` to `(rows, outputs)` logits.

    It starts at zero, so that the first steps move the head and leave the encoder as it was; with `set_base_rates` its
    biases start at what the label frequencies say, so that rare labels need not be unlearnt first.
    """

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, outputs)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        logits: torch.Tensor = self.output(self.dropout(pooled))
        return logits

    @torch.no_grad()
    def set_base_rates(self, biases: Sequence[float]) -> None:
        """Set the biases: log-odds of each output, log-frequencies, or means, as the objective reads them."""
        self.output.bias.copy_(torch.tensor(list(biases)))

    @torch.no_grad()
    def randomise(self, seed: int) -> None:
        """Draw the weights anew (normal, standard deviation 0.02): the head of an untrained model."""
        generator = torch.Generator().manual_seed(seed)
        self.output.weight.normal_(0.0, 0.02, generator=generator)
