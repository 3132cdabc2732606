"""The term `levels`: a loss at every coarser level of a scheme, computed from the labels' own logits.

Levels cannot contradict each other. Where labels exclude each other, a parent's probability P is the sum of its
children's, and its loss the cross-entropy -sum Y log P. Where several may hold, a parent's logit is the largest of its
children's, and its loss the binary cross-entropy; a parent that holds is trained through the largest logit of those
children that hold, as the largest of all might be raised in one that does not (Giunchiglia and Lukasiewicz 2020,
NeurIPS: max constraint loss). Both are how `core.levels` rolls scores up: what is trained is what is predicted.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from insula.core.errors import RecipeError
from insula.core.levels import levels
from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput


def build(given: TermInput) -> LossTerm | None:
    """Return the mean loss of the scheme's coarser levels, weighted within the labels' share of the loss.

    Raises `RecipeError` where the scheme has no coarser levels.
    """
    scheme, weight = given.scheme, given.plan.objective.levels
    if not weight:
        return None
    found = levels(scheme) if scheme.kind in ("single", "multi") else {}
    if not found:
        raise RecipeError(
            f"The objective.levels option must be 0 for labels without coarser levels (docs: label schemes). Got "
            f"{weight:g} for the {scheme.kind} labels {', '.join(scheme.names)}. Leave it out."
        )
    children = [torch.from_numpy(level.children) for level in found.values()]
    of_level = several_hold if scheme.kind == "multi" else one_holds

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        logits = outputs.logits
        return torch.stack([of_level(logits, batch.targets, one.to(logits.device)) for one in children]).mean(dim=0)

    share = 1.0 - given.teacher_share
    return LossTerm("levels", loss, weight=weight, share=share, in_validation=True, column="labelled")


def one_holds(logits: torch.Tensor, wanted: torch.Tensor, children: torch.Tensor) -> torch.Tensor:
    """Return the (rows,) losses of a level whose labels exclude each other; `children` is (labels, parents) bool."""
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
