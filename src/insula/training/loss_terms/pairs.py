"""The term `pairs`: a loss on counterfactual pairs, rows that differ by an identity swap or by an edit of meaning.

Rows with the same value in the column `data.pair` belong together; each is compared with the next one, and the last one
with the first. With logits z and targets y of a row, and z', y' of its counterpart:

    same labels       the divergence of the predictions of both, as in counterfactual logit pairing (Garg et al. 2019,
                      AIES): the prediction must not change
    different labels  max(0, margin - (y - y') (z - z')): the log-odds of the row's label against its counterpart's must
                      change with the edit; pairs of Kaushik, Hovy and Lipton (2020, ICLR) are made so
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from insula.core.errors import RecipeError
from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput
from insula.training.objectives.registry import build_targets

VIEW = "counterpart"


def build(term_input: TermInput) -> LossTerm | None:
    """Return the term for rows with a counterpart; None if its weight is 0.

    Raises `RecipeError` if no training row has a counterpart, or if the scheme is dimensional.
    """
    weight = term_input.plan.robust.pairs
    if not weight:
        return None
    if term_input.scheme.kind == "dimensional":
        raise RecipeError(
            "The robust.pairs option is for categorical labels, and this scheme is dimensional. Got "
            f"{weight:g}. Leave it out."
        )
    partner = find_counterparts(term_input)
    if (partner < 0).all():
        raise RecipeError(
            "The robust.pairs option needs rows with the same value in the pair column, and no two training rows have "
            "one. Choose the column with data.pair, or set robust.pairs=0."
        )
    margin, divergence = term_input.plan.robust.pair_margin, term_input.objective.divergence
    paired = partner >= 0
    own = np.where(paired, partner, np.arange(len(partner)))
    wanted = build_targets(term_input.scheme, term_input.train.gold)

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        first, second = outputs.logits, outputs.network(batch.views[VIEW]).logits
        change = batch.targets - batch.columns["counterpart_target"]
        differs = change.abs().sum(dim=1) > 0.5
        apart = (margin - (change * (first - second)).sum(dim=1)).clamp(min=0.0)
        return torch.where(differs, apart, divergence(first, second))

    return LossTerm(
        "pairs",
        loss,
        weight=weight,
        column="paired",
        columns={"paired": paired, "counterpart_target": wanted[own]},
        views={VIEW: [term_input.train.texts[row] for row in own]},
    )


def find_counterparts(term_input: TermInput) -> NDArray[np.intp]:
    """Return the (rows,) index of the counterpart of each labelled row, -1 for rows without one."""
    train = term_input.train
    found = np.full(len(train), -1, dtype=np.intp)
    if train.pair is None:
        return found
    members: dict[str, list[int]] = {}
    for row, pair in enumerate(train.pair):
        if pair and (train.labelled is None or train.labelled[row]):
            members.setdefault(str(pair), []).append(row)
    for rows in members.values():
        if len(rows) > 1:
            for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
                found[row] = other
    return found
