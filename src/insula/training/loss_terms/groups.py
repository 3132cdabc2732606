"""The term `group-dro`: distributionally robust optimisation over subgroups (Sagawa et al. 2020, ICLR, algorithm 1).

It minimises the sum over subgroups of q_g times the mean loss of g. After each batch q_g is multiplied by
exp(rate * loss of g) and q normalised, so that subgroups with a high loss count more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from insula.core.errors import RecipeError
from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput

MIN_WEIGHT = 1e-8


class GroupWeights(nn.Module):
    """The weights q of the subgroups, as a buffer of the trained model, so that every checkpoint holds them."""

    weights: torch.Tensor

    def __init__(self, groups: int, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("weights", torch.full((groups,), 1.0 / groups))

    @torch.no_grad()
    def update(self, losses: torch.Tensor, present: torch.Tensor) -> None:
        """Multiply the weights of the `present` subgroups by exp(rate * loss), and normalise all."""
        grown = self.weights.log() + torch.where(present, self.rate * losses, 0.0)
        self.weights.copy_(grown.softmax(dim=0))


def build(term_input: TermInput) -> LossTerm | None:
    """Return the term, with the share `robust.group_dro` of the loss on labels; None if that is 0.

    Rows without a subgroup are a subgroup of their own. Raises `RecipeError` if the training rows have fewer than two
    subgroups.
    """
    share = term_input.plan.robust.group_dro
    if not share:
        return None
    groups, numbers = _assign_subgroup_numbers(term_input)
    state, objective = GroupWeights(groups, term_input.plan.robust.group_rate), term_input.objective
    counted: list[Batch] = []

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        losses = objective.loss(outputs.logits, batch.targets)
        weights = batch.weights * batch.columns["labelled"] if "labelled" in batch.columns else batch.weights
        member = functional.one_hot(batch.columns["subgroup"], groups).to(losses.dtype)
        totals = weights @ member
        if not any(one is batch for one in counted):  # once for each batch, also with several dropout passes
            counted[:] = [batch]
            state.update((weights * losses.detach()) @ member / totals.clamp(min=MIN_WEIGHT), totals > 0)
        # The trainer takes the mean over all rows: the factors give the rows of subgroup g the share q_g of it.
        factors = state.weights.clone() * weights.sum() / totals.clamp(min=MIN_WEIGHT)
        return losses * (member @ factors)

    def attach(model: Any) -> None:
        model.group_weights = state

    def detach(model: Any) -> None:
        del model.group_weights

    return LossTerm(
        "group-dro",
        loss,
        share=term_input.label_share * share,
        column="labelled",
        columns={"subgroup": numbers},
        attach=attach,
        detach=detach,
    )


def _assign_subgroup_numbers(term_input: TermInput) -> tuple[int, NDArray[np.int64]]:
    """Return the number of subgroups of the labelled rows, and the (rows,) number of each row's subgroup."""
    train = term_input.train
    if train.subgroup is None:
        raise RecipeError(
            "The robust.group_dro option needs subgroups, and no training row has one. Set their column with "
            "data.subgroup, or set robust.group_dro=0."
        )
    labelled = np.ones(len(train), dtype=bool) if train.labelled is None else train.labelled
    names = np.unique(train.subgroup[labelled])
    if len(names) < 2:
        raise RecipeError(
            "The robust.group_dro option needs at least two subgroups in the training rows. Got only "
            f"{str(names[0])!r}. Choose another column with data.subgroup, or set robust.group_dro=0."
        )
    # Rows without labels have no loss here, whatever their number.
    return len(names), np.searchsorted(names, train.subgroup).clip(max=len(names) - 1)
