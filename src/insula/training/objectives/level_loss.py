"""A loss at every level of a scheme, from its labels' own logits: what the levels say cannot contradict each other.

Where labels exclude each other, a parent's probability P is the sum of its children's, and its loss the cross-entropy
-sum Y log P. Where several may hold, a parent's logit is the largest of its children's, and its loss the binary
cross-entropy; a parent that holds is taught by the largest logit of those children that hold, as the largest of all
might be raised in one that does not (Giunchiglia and Lukasiewicz 2020, NeurIPS: max constraint loss). Both are how
`core.levels` rolls scores up, so that what is trained is what is answered.
"""

from __future__ import annotations

import dataclasses

import torch
from torch.nn import functional as F

from insula.core.errors import RecipeError
from insula.core.levels import levels
from insula.core.scheme import LabelScheme
from insula.training.objectives.objective import Objective


def with_levels(objective: Objective, scheme: LabelScheme, weight: float) -> Objective:
    """Return the objective with `weight` times the mean loss of the scheme's coarser levels added to a row's loss.

    Raises `RecipeError` where the scheme has no coarser levels.
    """
    found = levels(scheme) if scheme.kind in ("single", "multi") else {}
    if not found:
        raise RecipeError(
            f"The objective.levels option must be 0 for labels without coarser levels (docs: label schemes). Got "
            f"{weight:g} for the {scheme.kind} labels {', '.join(scheme.names)}. Leave it out."
        )
    children = [torch.from_numpy(level.children) for level in found.values()]
    of_level = several_hold if scheme.kind == "multi" else one_holds

    def loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        coarser = torch.stack([of_level(logits, wanted, one.to(logits.device)) for one in children]).mean(dim=0)
        return objective.loss(logits, wanted) + weight * coarser

    return dataclasses.replace(objective, loss=loss)


def one_holds(logits: torch.Tensor, wanted: torch.Tensor, children: torch.Tensor) -> torch.Tensor:
    """Return the (rows,) losses of a level, its `children` (labels, parents) bool: labels that exclude each other."""
    members = logits.log_softmax(dim=1)[:, :, None].masked_fill(~children, -torch.inf)
    parents = wanted @ children.to(wanted.dtype)
    return -(parents * members.logsumexp(dim=1)).sum(dim=1)


def several_hold(logits: torch.Tensor, wanted: torch.Tensor, children: torch.Tensor) -> torch.Tensor:
    """Return the same where several labels may hold, averaged over parents as the labels' losses are over labels."""
    members, truth = logits[:, :, None].masked_fill(~children, -torch.inf), wanted[:, :, None] * children
    parents, largest = truth.amax(dim=1), members.amax(dim=1)
    holding = members.masked_fill(truth < 0.5, -torch.inf).amax(dim=1)
    holding = torch.where(holding.isinf(), largest, holding)  # no child surely holds: soft labels
    return (parents * F.softplus(-holding) + (1 - parents) * F.softplus(largest)).mean(dim=1)
