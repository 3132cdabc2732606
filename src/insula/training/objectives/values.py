"""Losses on values: `squared` error, and `ccc`, the concordance correlation that valence and arousal are judged by."""

from __future__ import annotations

import torch

from insula.core.scheme import Kind
from insula.training.objectives.initial_bias import means
from insula.training.objectives.objective import Objective, ObjectiveEntry, Targets
from insula.training.objectives.r_drop import squared_divergence
from insula.training.options.objective import ObjectiveOptions

SMALLEST = 1e-6  # a spread below it is none: the loss of a batch of one row, say, stays finite


def squared_error(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the squared difference a row, averaged over dimensions."""
    return (logits - wanted).square().mean(dim=1)


def concordance_loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return each row's share of 1 - ccc, averaged over dimensions; the mean over the rows of a batch is 1 - ccc.

    Lin's concordance (1989) is ccc = 2 cov / D with D = var(x) + var(y) + (mean(x) - mean(y))^2, and since the mean
    squared difference of x and y is D - 2 cov, 1 - ccc = mean((x - y)^2) / D. So the loss of a batch is a mean over
    rows after all, of squared differences over the batch's own D. Example weights weigh the rows' shares, not D.
    """
    spread = logits.var(dim=0, correction=0) + wanted.var(dim=0, correction=0)
    between = spread + (logits.mean(dim=0) - wanted.mean(dim=0)).square()
    return ((logits - wanted).square() / between.clamp(min=SMALLEST)).mean(dim=1)


def _squared(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return Objective(squared_error, means, squared_divergence)


def _ccc(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    return Objective(concordance_loss, means, squared_divergence)


SQUARED = ObjectiveEntry(_squared, ("dimensional",))
CCC = ObjectiveEntry(_ccc, ("dimensional",))
