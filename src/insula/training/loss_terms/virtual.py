"""The term `vat`: virtual adversarial training, a loss without labels (Miyato et al. 2018, IEEE TPAMI).

For each row it is the divergence D(p(x), p(x + r)) between the prediction and that for perturbed token vectors. The
perturbation r of norm epsilon is the one that changes the prediction most, to second order: it is found by one power
iteration, r = epsilon g / |g| with g the gradient of D(p(x), p(x + xi d)) at a random direction d.
"""

from __future__ import annotations

import torch

from insula.core.errors import RecipeError
from insula.training.loss_terms.perturbation import (
    TokenVectors,
    draw_directions,
    repeat_dropout,
    require_embeddings,
    scale_to_length,
)
from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput

SMALL_STEP = 0.1
"""xi as a share of epsilon: small enough for the second-order approximation, large enough for float32."""


def build(term_input: TermInput) -> LossTerm | None:
    """Return the term for all rows of the main task, labelled or not; None if its weight is 0.

    D is the divergence of the objective, the symmetric Kullback-Leibler divergence for labels. Raises `RecipeError` if
    the rows are unlabelled and the objective `ccc` needs the values of a whole batch.
    """
    options = term_input.plan.adversarial
    if not options.vat:
        return None
    require_embeddings(term_input, "vat")
    if options.unlabelled and term_input.plan.objective.name == "ccc" and term_input.train.teacher is None:
        raise RecipeError(
            "The objective ccc needs values for all rows of a batch, and adversarial.unlabelled adds rows without. Set "
            "objective.name=squared, or leave adversarial.unlabelled out."
        )
    vectors, divergence = TokenVectors(), term_input.objective.divergence

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        direction = scale_to_length(draw_directions(vectors.create_zeros(batch), batch), SMALL_STEP * options.epsilon)
        # With different dropout in the passes, the gradient would show its noise, not the effect of the perturbation.
        with repeat_dropout() as repeat:
            with torch.no_grad():
                clean = outputs.network(batch.inputs).logits

            def change(moved: Outputs) -> torch.Tensor:
                return divergence(clean, moved.logits)

            repeat()
            worst = scale_to_length(
                vectors.compute_gradient(batch, outputs.network, direction, change), options.epsilon
            )
            repeat()
            return change(vectors.compute_outputs(batch, outputs.network, worst))

    return LossTerm("vat", loss, weight=options.vat, attach=vectors.attach, detach=vectors.detach)
