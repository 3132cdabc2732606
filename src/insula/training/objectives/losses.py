"""The built-in objectives: a loss per row, the initial biases of the head, and the divergence for R-Drop.

- Binary and multi-label schemes: `sigmoid`, `asymmetric` and `focal`, a loss per label.
- Mutually exclusive labels: `softmax` and `focal`; for ordered classes `corn` and `coral`.
- Dimensional schemes: `squared` and `ccc`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from insula.core.scheme import Kind
from insula.training.objectives.objective import Objective, ObjectiveEntry, Targets
from insula.training.options.objective import ObjectiveOptions

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
MIN_SPREAD = 1e-6  # lower bound of the concordance loss's denominator: a batch of one row has no variance


# One loss per label ----------------------------------------------------------------------------------------------


def binary_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return -y log p - (1 - y) log(1 - p) per element; p is the sigmoid of the logit."""
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def binary_focal_loss(logits: torch.Tensor, targets: torch.Tensor, gamma: float) -> torch.Tensor:
    """Return -y (1 - p)^gamma log p - (1 - y) p^gamma log(1 - p) per element; p is the sigmoid of the logit.

    Rows that are already correct count less (Lin et al. 2017, ICCV).
    """
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    return -targets * (gamma * no).exp() * yes - (1 - targets) * (gamma * yes).exp() * no


def asymmetric_loss(
    logits: torch.Tensor, targets: torch.Tensor, gamma_negative: float, gamma_positive: float, clip: float
) -> torch.Tensor:
    """Return -y (1 - p)^g+ log p - (1 - y) q^g- log(1 - q) per element, with q = max(p - clip, 0).

    Absent labels, the vast majority, count less than present ones (Ridnik et al. 2021, ICCV, equations 5 and 7). p is
    the sigmoid of the logit. With both gammas 0 and clip 0 it is the binary cross-entropy.
    """
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    present = (gamma_positive * no).exp() * yes
    if clip == 0:
        absent = (gamma_negative * yes).exp() * no
    else:
        shifted = logits.sigmoid() - clip
        counts = shifted > 0
        # The power has no finite derivative at 0: elements that do not count get a harmless 0.5 and are masked out.
        q = torch.where(counts, shifted, 0.5)
        absent = torch.where(counts, q**gamma_negative * torch.log1p(-q), 0.0)
    return -targets * present - (1 - targets) * absent


def average_per_label(elements: Loss, label_weights: Targets | None) -> Objective:
    """Return the objective whose loss per row is the mean of (rows, labels) `elements`.

    label_weights  (2, labels) weights of absent and present labels; None weighs all labels 1
    """
    if label_weights is None:
        return Objective(lambda logits, targets: elements(logits, targets).mean(dim=1), log_odds, sigmoid_divergence)

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        absent, present = torch.as_tensor(label_weights, dtype=logits.dtype, device=logits.device)
        return (elements(logits, targets) * torch.lerp(absent, present, targets)).mean(dim=1)

    return Objective(loss, partial(log_odds, label_weights=label_weights), sigmoid_divergence)


# Mutually exclusive labels -----------------------------------------------------------------------------------------


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return -sum y log p per row; p is the softmax of the logits."""
    return -(targets * logits.log_softmax(dim=1)).sum(dim=1)


def focal_loss(logits: torch.Tensor, targets: torch.Tensor, gamma: float) -> torch.Tensor:
    """Return -sum y (1 - p)^gamma log p per row; p is the softmax of the logits.

    log(1 - p) is computed from the logits of the other classes, so that the power and its derivative stay finite for
    every gamma even if p rounds to 1.
    """
    classes = logits.shape[1]
    itself = torch.eye(classes, dtype=torch.bool, device=logits.device)
    others = logits.unsqueeze(1).expand(-1, classes, -1).masked_fill(itself, float("-inf")).logsumexp(dim=2)
    everything = logits.logsumexp(dim=1, keepdim=True)
    right, wrong = logits - everything, others - everything
    return -(targets * (gamma * wrong).exp() * right).sum(dim=1)


def cumulative_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return -sum over k < K - 1 of [y > k] log P(y > k) + [y <= k] log P(y <= k) per row.

    Equation 4 of Cao et al. (2020).

    logits   (rows, classes); P is their softmax
    targets  (rows, classes) one-hot, or shares: [y > k] is then the share above k
    """
    log_p = logits.log_softmax(dim=1)
    # A sum of probabilities may round to slightly more than 1, which would make the loss negative.
    up_to = log_p.logcumsumexp(dim=1)[:, :-1].clamp_max(0.0)
    above = log_p.flip(1).logcumsumexp(dim=1).flip(1)[:, 1:].clamp_max(0.0)
    below = targets.cumsum(dim=1)[:, :-1]
    return -((targets.sum(dim=1, keepdim=True) - below) * above + below * up_to).sum(dim=1)


# Values ----------------------------------------------------------------------------------------------------------


def squared_error(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the squared difference per row, averaged over dimensions."""
    return (logits - targets).square().mean(dim=1)


def concordance_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the share of each row in 1 - ccc, averaged over dimensions; the mean over a batch is 1 - ccc.

    Lin's concordance (1989), the usual metric for valence and arousal, is ccc = 2 cov / D with
    D = var(x) + var(y) + (mean(x) - mean(y))^2. The mean squared difference of x and y is D - 2 cov, so
    1 - ccc = mean((x - y)^2) / D: the loss of a batch is the mean over rows of the squared difference divided by the D
    of the batch. Example weights apply to the shares of the rows, not to D.
    """
    spread = logits.var(dim=0, correction=0) + targets.var(dim=0, correction=0)
    between = spread + (logits.mean(dim=0) - targets.mean(dim=0)).square()
    return ((logits - targets).square() / between.clamp(min=MIN_SPREAD)).mean(dim=1)


# Divergences of two passes, for R-Drop ---------------------------------------------------------------------------


def sigmoid_divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return (KL(p, q) + KL(q, p)) / 2 = (p - q) (logit p - logit q) / 2 per row, averaged over outputs."""
    return ((first.sigmoid() - second.sigmoid()) * (first - second)).mean(dim=1) / 2


def softmax_divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return (KL(p, q) + KL(q, p)) / 2 = sum((p - q) (log p - log q)) / 2 per row, of softmaxes p and q."""
    p, q = first.log_softmax(dim=1), second.log_softmax(dim=1)
    return ((p.exp() - q.exp()) * (p - q)).sum(dim=1) / 2


def squared_divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the squared difference per row, averaged over outputs."""
    return (first - second).square().mean(dim=1)


# Initial biases of the head ----------------------------------------------------------------------------------------


def log_odds(targets: Targets, weights: Targets, label_weights: Targets | None = None) -> list[float]:
    """Return the log-odds of each label among (rows, labels) targets, absent and present weighted as in the loss."""
    absent, present = (1.0, 1.0) if label_weights is None else label_weights
    # Half a row with and half a row without the label are added, so that log-odds stay finite.
    yes = present * (weights @ targets) + 0.5
    no = absent * (weights @ (1.0 - targets)) + 0.5
    return list(np.log(yes) - np.log(no))


def log_rates(targets: Targets, weights: Targets) -> list[float]:
    """Return the log-frequency of each class among (rows, classes) targets."""
    return list(np.log((weights @ targets + 0.5) / (weights.sum() + 1.0)))


def average_columns(targets: Targets, weights: Targets) -> list[float]:
    """Return the mean of each column."""
    return list(np.average(targets, axis=0, weights=weights if weights.any() else None))


# The registry's entries ------------------------------------------------------------------------------------------


def _build_sigmoid(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return average_per_label(binary_cross_entropy, label_weights)


def _build_softmax(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return Objective(cross_entropy, log_rates, softmax_divergence)


def _build_focal(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    if kind in ("binary", "multi"):
        return average_per_label(partial(binary_focal_loss, gamma=options.gamma), label_weights)
    return Objective(partial(focal_loss, gamma=options.gamma), log_rates, softmax_divergence)


def _build_asymmetric(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    elements = partial(
        asymmetric_loss, gamma_negative=options.gamma_negative, gamma_positive=options.gamma_positive, clip=options.clip
    )
    return average_per_label(elements, label_weights)


def _build_corn(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    # The paper sums the binary cross-entropies of the thresholds that a row takes part in: by the chain rule that is
    # the negative log-likelihood of its class. The paper divides by rows times thresholds, this code by rows.
    return Objective(cross_entropy, log_rates, softmax_divergence, head="corn")


def _build_coral(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return Objective(cumulative_cross_entropy, log_rates, softmax_divergence, head="coral")


def _build_squared(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return Objective(squared_error, average_columns, squared_divergence)


def _build_ccc(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return Objective(concordance_loss, average_columns, squared_divergence)


SIGMOID = ObjectiveEntry(_build_sigmoid, ("binary", "multi"))
SOFTMAX = ObjectiveEntry(_build_softmax, ("single", "ordinal"))
FOCAL = ObjectiveEntry(_build_focal, ("binary", "single", "multi", "ordinal"), options=("gamma",))
ASYMMETRIC = ObjectiveEntry(
    _build_asymmetric, ("binary", "multi"), options=("gamma_negative", "gamma_positive", "clip")
)
CORN = ObjectiveEntry(_build_corn, ("ordinal",))
CORAL = ObjectiveEntry(_build_coral, ("ordinal",))
SQUARED = ObjectiveEntry(_build_squared, ("dimensional",))
CCC = ObjectiveEntry(_build_ccc, ("dimensional",))
