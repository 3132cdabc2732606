"""The terms of the objective itself: `labels`, its loss, and `r-drop`, its divergence between two dropout passes."""

from __future__ import annotations

import torch

from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput


def build_labels(given: TermInput) -> LossTerm:
    """Return the objective's loss on the rows that have labels; a teacher leaves it the rest of the weight."""
    objective = given.objective

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        return objective.loss(outputs.logits, batch.targets)

    known = given.train.labelled
    return LossTerm(
        "labels",
        loss,
        share=1.0 - given.teacher_share,
        in_validation=True,
        column="labelled",
        columns={} if known is None else {"labelled": known},
    )


def build_r_drop(given: TermInput) -> LossTerm | None:
    """Return R-Drop: two passes through dropout shall say the same (Liang et al. 2021, NeurIPS).

    With it the loss of a row is the mean of both passes' losses plus a weight times the symmetric divergence of what
    they say, (KL(p, q) + KL(q, p)) / 2. Labels that exclude each other have one distribution; several labels have one
    each, and their divergences are averaged as their losses are; values are compared by their squared difference.
    """
    objective, weight = given.objective, given.plan.objective.r_drop
    if not weight:
        return None

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        first, second = outputs.passes[:2]
        return objective.divergence(first.logits, second.logits)

    return LossTerm("r-drop", loss, weight=weight, every_task=True, passes=2)
