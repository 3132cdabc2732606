"""`focal`: cross-entropy in which rows that are already right count less (Lin et al. 2017, ICCV).

Where the logarithm of 1 - p would be that of nought, it is taken from the logits of the others: the power of gamma is
then finite, and so is its derivative, whatever gamma is.
"""

from __future__ import annotations

from functools import partial

import torch
from torch.nn import functional as F

from insula.core.scheme import Kind
from insula.training.objectives.initial_bias import log_rates
from insula.training.objectives.objective import Objective, ObjectiveEntry, Targets
from insula.training.objectives.per_label import per_label
from insula.training.objectives.r_drop import softmax_divergence
from insula.training.options.objective import ObjectiveOptions


def binary_focal(logits: torch.Tensor, wanted: torch.Tensor, gamma: float) -> torch.Tensor:
    """Return -y (1 - p)^gamma log p - (1 - y) p^gamma log(1 - p) an element, p the sigmoid of the logit."""
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    return -wanted * (gamma * no).exp() * yes - (1 - wanted) * (gamma * yes).exp() * no


def focal(logits: torch.Tensor, wanted: torch.Tensor, gamma: float) -> torch.Tensor:
    """Return -sum y (1 - p)^gamma log p a row, p the softmax of the logits."""
    classes = logits.shape[1]
    itself = torch.eye(classes, dtype=torch.bool, device=logits.device)
    others = logits.unsqueeze(1).expand(-1, classes, -1).masked_fill(itself, float("-inf")).logsumexp(dim=2)
    everything = logits.logsumexp(dim=1, keepdim=True)
    right, wrong = logits - everything, others - everything
    return -(wanted * (gamma * wrong).exp() * right).sum(dim=1)


def _build(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    if kind in ("binary", "multi"):
        return per_label(partial(binary_focal, gamma=options.gamma), label_weights)
    return Objective(partial(focal, gamma=options.gamma), log_rates, softmax_divergence)


FOCAL = ObjectiveEntry(_build, ("binary", "single", "multi", "ordinal"), options=("gamma",))
