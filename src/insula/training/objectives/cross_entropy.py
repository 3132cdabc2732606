"""Cross-entropy: `sigmoid` asks each label by itself, `softmax` takes one of several."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from insula.core.scheme import Kind
from insula.training.objectives.initial_bias import log_rates
from insula.training.objectives.objective import Objective, ObjectiveEntry, Targets
from insula.training.objectives.per_label import per_label
from insula.training.objectives.r_drop import softmax_divergence
from insula.training.options.objective import ObjectiveOptions


def binary_cross_entropy(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return -y log p - (1 - y) log(1 - p) an element, p the sigmoid of the logit."""
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")


def cross_entropy(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return -sum y log p a row, p the softmax of the logits."""
    return -(wanted * logits.log_softmax(dim=1)).sum(dim=1)


def _sigmoid(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return per_label(binary_cross_entropy, label_weights)


def _softmax(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return Objective(cross_entropy, log_rates, softmax_divergence)


SIGMOID = ObjectiveEntry(_sigmoid, ("binary", "multi"))
SOFTMAX = ObjectiveEntry(_softmax, ("single", "ordinal"))
