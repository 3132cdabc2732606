"""The term `teacher`: distillation from the scores of trained models (Hinton, Vinyals and Dean 2015)."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from insula.core.scheme import Kind
from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput
from insula.training.objectives.registry import build_targets

MIN_SHARE = 1e-6  # probabilities are clamped away from 0 and 1 by this, to keep logits finite


def build(term_input: TermInput) -> LossTerm | None:
    """Return the divergence from the teachers' scores, for all rows of the main task; None without teachers."""
    scores = term_input.train.teacher
    if scores is None:
        return None
    kind, temperature = term_input.scheme.kind, term_input.plan.distil.temperature

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        return compute_teacher_loss(kind, outputs.logits, batch.columns["teacher"], temperature)

    return LossTerm(
        "teacher", loss, weight=term_input.teacher_share, columns={"teacher": build_targets(term_input.scheme, scores)}
    )


def compute_teacher_loss(kind: Kind, logits: torch.Tensor, scores: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return T^2 KL(teacher || student) per row, both softened by the temperature T.

    kind    dimensional: the squared difference, which has no temperature; binary, multi: the Bernoulli divergence of
            each output, averaged over outputs
    logits  (rows, outputs) of the student
    scores  (rows, outputs) probabilities of the teacher at T = 1, or its values

    The factor T^2 keeps the scale of the gradient independent of T.
    """
    if kind == "dimensional":
        return (logits - scores).square().mean(dim=1)
    scores = scores.clamp(MIN_SHARE, 1.0 - MIN_SHARE)
    if kind in ("binary", "multi"):
        softened = torch.sigmoid(torch.logit(scores) / temperature)
        cross = F.binary_cross_entropy_with_logits(logits / temperature, softened, reduction="none")
        own = F.binary_cross_entropy(softened, softened, reduction="none")
        return temperature**2 * (cross - own).mean(dim=1)
    # In log space: at a low temperature a probability may round to 0.
    softened = (scores.log() / temperature).log_softmax(dim=1)
    student = (logits / temperature).log_softmax(dim=1)
    return temperature**2 * (softened.exp() * (softened - student)).sum(dim=1)
