"""The loss of distillation: the labels' part and the teacher's part of a row (Hinton, Vinyals and Dean 2015)."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch.nn import functional as F

from insula.core.scheme import Kind
from insula.training.fitting import FitInput
from insula.training.neural.batches import TokenRows
from insula.training.objectives.objective import Objective
from insula.training.objectives.registry import targets

SMALLEST = 1e-6  # probabilities closer to 0 or 1 say no more, and have no finite logit


def with_teacher(rows: TokenRows, objective: Objective, given: FitInput) -> tuple[TokenRows, Objective]:
    """Return rows whose targets hold the teacher's answers too, and the objective that reads them.

    A packed target is the gold of a row, the teacher's answer (both by output), and the weight of the gold relative
    to the row's: 0 for a row without labels, which counts 1 with its teacher's part alone. Without teachers both are
    returned as they are.
    """
    answers, options = given.train.answers, given.distil
    if answers is None or options is None:
        return rows, objective
    judged = len(answers)  # rows of other tasks stand behind those
    known = judged - given.train.unlabelled
    packed = np.zeros((len(rows), 2 * rows.targets.shape[1] + 1))
    packed[:, : rows.targets.shape[1]] = rows.targets
    packed[:judged, rows.targets.shape[1] : -1] = targets(given.scheme, answers)
    packed[:known, -1] = 1.0
    weights = rows.weights.copy()
    weights[known:judged] = 1.0
    weighted = dataclasses.replace(rows, targets=packed, weights=weights)
    kind, temperature, share = given.scheme.kind, options.temperature, options.weight
    outputs = given.scheme.output_count

    def loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        if wanted.shape[1] == outputs:  # validation rows: labels only
            return objective.loss(logits, wanted)
        gold, told, known = wanted[:, :outputs], wanted[:, outputs : 2 * outputs], wanted[:, -1]
        learnt = teacher_loss(kind, logits, told, temperature)
        return (1.0 - share) * known * objective.loss(logits, gold) + share * learnt

    return weighted, dataclasses.replace(objective, loss=loss)


def teacher_loss(kind: Kind, logits: torch.Tensor, told: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return T^2 KL(teacher || student) a row, both softened by the temperature T.

    kind    dimensional: the squared difference, which has no temperature; binary, multi: each output's own
            Bernoulli divergence, averaged over outputs as the gold's cross-entropy is
    logits  (rows, outputs) of the student
    told    (rows, outputs) probabilities of the teacher at T = 1, or its values

    T^2 keeps the size of the gradient whatever T is.
    """
    if kind == "dimensional":
        return (logits - told).square().mean(dim=1)
    told = told.clamp(SMALLEST, 1.0 - SMALLEST)
    if kind in ("binary", "multi"):
        softened = torch.sigmoid(torch.logit(told) / temperature)
        cross = F.binary_cross_entropy_with_logits(logits / temperature, softened, reduction="none")
        own = F.binary_cross_entropy(softened, softened, reduction="none")
        return temperature**2 * (cross - own).mean(dim=1)
    # The logarithm before the exponential: at a low temperature a probability may round to 0, which has none.
    softened = (told.log() / temperature).log_softmax(dim=1)
    student = (logits / temperature).log_softmax(dim=1)
    return temperature**2 * (softened.exp() * (softened - student)).sum(dim=1)
