"""Heads for K ordered classes: they compute K - 1 binary questions and return the log-probabilities of the K classes.

A softmax of log-probabilities gives the probabilities, so calibration, export, backends and teachers treat their output
like other logits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from insula.models.layers.heads import Head

MIN_GAP = 1e-4  # between neighbouring CORAL biases: equal biases would give a class probability zero


class CornHead(Head):
    """Conditional ordinal regression, CORN (Shi, Cao and Raschka 2021, arXiv 2111.08851).

    Question j is P(y > j | y >= j) = sigmoid(z_j). P(y = k) is the product of k positive answers and one negative; the
    last class has only positive answers. The probabilities sum to one for any z.
    """

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        super().__init__(width, outputs - 1, dropout)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return (rows, outputs) log-probabilities of the classes."""
        z = _widen(self.output(self.dropout(pooled)))
        all_yes = F.pad(torch.cumsum(F.logsigmoid(z), dim=1), (1, 0))
        logits: torch.Tensor = all_yes + F.pad(F.logsigmoid(-z), (0, 1))
        return logits

    @torch.no_grad()
    def set_base_rates(self, biases: Sequence[float]) -> None:
        """Set the biases of the binary outputs so that the classes have these logits."""
        above, at = _compute_tails(biases)
        self.output.bias.copy_(torch.tensor(np.log(above) - np.log(at)))


class CoralHead(Head):
    """Consistent rank logits, CORAL (Cao, Mirjalili and Raschka 2020, Pattern Recognition Letters 140).

    P(y > k) = sigmoid(g(x) + b_k) with one g for all k. The biases decrease by construction (the paper proves that they
    do at the optimum), so every class has a probability above zero.
    """

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        super().__init__(width, 1, dropout, bias=False)
        self.first_bias = torch.nn.Parameter(torch.zeros(1))
        self.gap_bias = torch.nn.Parameter(torch.zeros(outputs - 2))

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return (rows, outputs) log-probabilities of the classes."""
        gaps = F.softplus(self.gap_bias) + MIN_GAP
        biases = torch.cat([self.first_bias, self.first_bias - torch.cumsum(gaps, 0)])
        z = _widen(self.output(self.dropout(pooled))) + biases
        # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)) avoids cancellation.
        at_least, below = F.logsigmoid(z), F.logsigmoid(-z)
        between = at_least[:, :-1] + below[:, 1:] + torch.log(-torch.expm1(-gaps))
        return torch.cat([below[:, :1], between, at_least[:, -1:]], dim=1)

    @torch.no_grad()
    def set_base_rates(self, biases: Sequence[float]) -> None:
        """Set the biases to the cumulative log-odds for classes with these logits."""
        above, _ = _compute_tails(biases)
        cumulative = np.log(above) - np.log1p(-above)
        self.first_bias.copy_(torch.tensor(cumulative[:1]))
        gaps = np.maximum(-np.diff(cumulative) - MIN_GAP, MIN_GAP)
        self.gap_bias.copy_(torch.tensor(np.log(np.expm1(gaps))))


def _widen(z: torch.Tensor) -> torch.Tensor:
    """Return z as float32 or wider: a sum of logarithms in bfloat16 has only two digits."""
    return z.to(torch.promote_types(z.dtype, torch.float32))


def _compute_tails(logits: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P(y > k) and P(y = k) for each k except the last."""
    rates = np.exp(np.asarray(logits) - np.max(logits))
    rates = rates / rates.sum()
    return rates[::-1].cumsum()[::-1][1:], rates[:-1]
