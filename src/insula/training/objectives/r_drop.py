"""R-Drop: two passes through dropout shall say the same (Liang et al. 2021, NeurIPS).

The loss of a row is the mean of both passes' losses plus a weight times the symmetric divergence of what they say,
(KL(p, q) + KL(q, p)) / 2. Labels that exclude each other have one distribution; several labels have one each, and
their divergences are averaged as their losses are; values are compared by their squared difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from insula.training.objectives.objective import Objective


def r_drop(objective: Objective, first: torch.Tensor, second: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the (rows,) losses of the (rows, outputs) logits of two passes."""
    both = (objective.loss(first, wanted) + objective.loss(second, wanted)) / 2
    return both + objective.r_drop * objective.divergence(first, second)


def softmax_divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return (KL(p, q) + KL(q, p)) / 2 = sum((p - q) (log p - log q)) / 2 a row, of softmaxes p and q."""
    p, q = first.log_softmax(dim=1), second.log_softmax(dim=1)
    return ((p.exp() - q.exp()) * (p - q)).sum(dim=1) / 2


def sigmoid_divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the same for Bernoulli distributions, (p - q) (logit p - logit q) / 2, averaged over outputs."""
    return ((first.sigmoid() - second.sigmoid()) * (first - second)).mean(dim=1) / 2


def squared_divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the squared difference, averaged over outputs."""
    return (first - second).square().mean(dim=1)
