"""The term `levels`: a loss at every coarser level of a scheme, computed from the logits of the labels.

Levels are consistent by construction. With mutually exclusive labels, the probability P of a parent is the sum of its
children's, and its loss is the cross-entropy -sum Y log P. In multi-label schemes, the logit of a parent is the maximum
of its children's, and its loss is the binary cross-entropy; a present parent is trained through the maximum over its
present children, as the maximum over all might raise an absent one (Giunchiglia and Lukasiewicz 2020, NeurIPS: max
constraint loss). `core.levels` aggregates scores in the same way at prediction.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from insula.core.errors import RecipeError
from insula.core.levels import find_levels
from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput


def build(term_input: TermInput) -> LossTerm | None:
    """Return the mean loss of the coarser levels; None if their weight is 0.

    Raises `RecipeError` if the scheme has no coarser levels.
    """
    scheme, weight = term_input.scheme, term_input.plan.objective.levels
    if not weight:
        return None
    found = find_levels(scheme) if scheme.kind in ("single", "multi") else {}
    if not found:
        raise RecipeError(
            f"The objective.levels option must be 0 for labels without coarser levels (see docs: label schemes). Got "
            f"{weight:g} for the {scheme.kind} labels {', '.join(scheme.names)}. Leave it out."
        )
    children = [torch.from_numpy(level.children) for level in found.values()]
    level_loss = compute_multi_label_level_loss if scheme.kind == "multi" else compute_exclusive_level_loss

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        logits = outputs.logits
        return torch.stack([level_loss(logits, batch.targets, one.to(logits.device)) for one in children]).mean(dim=0)

    return LossTerm("levels", loss, weight=weight, share=term_input.label_share, in_validation=True, column="labelled")


def compute_exclusive_level_loss(logits: torch.Tensor, targets: torch.Tensor, children: torch.Tensor) -> torch.Tensor:
    """Return the (rows,) losses of a level with mutually exclusive labels; `children` is (labels, parents) bool."""
    members = logits.log_softmax(dim=1)[:, :, None].masked_fill(~children, -torch.inf)
    parents = targets @ children.to(targets.dtype)
    return -(parents * members.logsumexp(dim=1)).sum(dim=1)


def compute_multi_label_level_loss(logits: torch.Tensor, targets: torch.Tensor, children: torch.Tensor) -> torch.Tensor:
    """Return the (rows,) losses of a level of a multi-label scheme, averaged over parents."""
    members, truth = logits[:, :, None].masked_fill(~children, -torch.inf), targets[:, :, None] * children
    parents, largest = truth.amax(dim=1), members.amax(dim=1)
    present = members.masked_fill(truth < 0.5, -torch.inf).amax(dim=1)
    present = torch.where(present.isinf(), largest, present)  # soft labels: no child is present for sure
    return (parents * F.softplus(-present) + (1 - parents) * F.softplus(largest)).mean(dim=1)
