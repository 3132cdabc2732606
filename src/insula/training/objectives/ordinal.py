"""`corn` and `coral`: ordered classes, each by the head of its name, which gives log-probabilities of the classes."""

from __future__ import annotations

import dataclasses

import torch

from insula.core.scheme import Kind
from insula.training.objectives.cross_entropy import cross_entropy
from insula.training.objectives.initial_bias import log_rates
from insula.training.objectives.objective import Objective, ObjectiveEntry, Targets
from insula.training.objectives.r_drop import softmax_divergence
from insula.training.options.objective import ObjectiveOptions


def cumulative_cross_entropy(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return -sum over k < K - 1 of [y > k] log P(y > k) + [y <= k] log P(y <= k) a row (Cao et al. 2020, equation 4).

    logits   (rows, classes), P their softmax
    wanted   (rows, classes) one-hot, or shares: [y > k] is then the share above k
    """
    log_p = logits.log_softmax(dim=1)
    # Rounded sums of probabilities may stand a little above 1, and the loss then below 0.
    up_to = log_p.logcumsumexp(dim=1)[:, :-1].clamp_max(0.0)
    above = log_p.flip(1).logcumsumexp(dim=1).flip(1)[:, 1:].clamp_max(0.0)
    below = wanted.cumsum(dim=1)[:, :-1]
    return -((wanted.sum(dim=1, keepdim=True) - below) * above + below * up_to).sum(dim=1)


def _corn(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    # The paper's loss sums, over the questions that a row takes part in, the binary cross-entropies: by the chain rule
    # that is the negative log-likelihood of its class. It divides by rows times questions, here by rows.
    return Objective(cross_entropy, log_rates, softmax_divergence, head="corn")


def _coral(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return dataclasses.replace(_corn(options, kind, None), loss=cumulative_cross_entropy, head="coral")


CORN = ObjectiveEntry(_corn, ("ordinal",))
CORAL = ObjectiveEntry(_coral, ("ordinal",))
