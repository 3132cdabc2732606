"""The terms of the objective: `labels`, its loss, and `r-drop`, the divergence between two dropout passes."""

from __future__ import annotations

import torch

from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput


def build_labels(term_input: TermInput) -> LossTerm:
    """Return the objective's loss on labelled rows; teachers and group DRO reduce its share."""
    objective = term_input.objective

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        return objective.loss(outputs.logits, batch.targets)

    known = term_input.train.labelled
    return LossTerm(
        "labels",
        loss,
        share=term_input.label_share * (1.0 - term_input.plan.robust.group_dro),
        in_validation=True,
        column="labelled",
        columns={} if known is None else {"labelled": known},
    )


def build_r_drop(term_input: TermInput) -> LossTerm | None:
    """Return R-Drop: two dropout passes of a row should agree (Liang et al. 2021, NeurIPS); None if its weight is 0.

    The loss of a row is the mean loss of both passes plus the weight times the symmetric divergence of their
    predictions, (KL(p, q) + KL(q, p)) / 2. Multi-label schemes average the divergences of the labels; dimensional
    schemes use the squared difference.
    """
    objective, weight = term_input.objective, term_input.plan.objective.r_drop
    if not weight:
        return None

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        first, second = outputs.passes[:2]
        return objective.divergence(first.logits, second.logits)

    return LossTerm("r-drop", loss, weight=weight, every_task=True, passes=2)
