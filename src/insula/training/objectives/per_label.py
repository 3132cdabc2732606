"""Losses that ask each label by itself: the mean over labels, absent and present ones weighed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from insula.training.objectives.initial_bias import log_odds
from insula.training.objectives.objective import Objective, Targets
from insula.training.objectives.r_drop import sigmoid_divergence

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def per_label(elements: Loss, label_weights: Targets | None) -> Objective:
    """Return the objective whose loss of a row is the mean of (rows, labels) `elements`.

    label_weights  (2, labels) of labels that a row has not and has; None for 1
    """
    if label_weights is None:
        return Objective(lambda logits, wanted: elements(logits, wanted).mean(dim=1), log_odds, sigmoid_divergence)

    def loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        absent, present = torch.as_tensor(label_weights, dtype=logits.dtype, device=logits.device)
        return (elements(logits, wanted) * torch.lerp(absent, present, wanted)).mean(dim=1)

    return Objective(loss, partial(log_odds, label_weights=label_weights), sigmoid_divergence)
