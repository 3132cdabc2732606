"""The terms `fgm`, `pgd` and `freelb`: the loss on labels for perturbed token vectors.

With g the gradient of a row's loss with respect to its token vectors, and all norms taken over the tokens of the row:

    fgm     loss(x + r), r = epsilon g / |g| (Miyato, Dai and Goodfellow 2017, ICLR)
    pgd     loss(x + r_K), r_0 = 0, r_k+1 = projection of r_k + step_size g / |g| onto |r| <= epsilon (Madry et al.
            2018, ICLR)
    freelb  the mean of loss(x + r_k) over k = 0 .. K - 1, from a random r_0 in the ball, with the same dropout in all
            passes (Zhu et al. 2020, ICLR)
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from insula.training.loss_terms.perturbation import (
    TokenVectors,
    draw_directions,
    project_onto_ball,
    repeat_dropout,
    require_embeddings,
    scale_to_length,
)
from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput

Attack = Callable[[TokenVectors, Batch, Outputs, Callable[[Outputs], torch.Tensor]], torch.Tensor]
"""Returns the (rows,) losses for the perturbed token vectors of a batch."""


def build_fgm(term_input: TermInput) -> LossTerm | None:
    """Return the loss after one gradient step; None if its weight is 0."""
    epsilon = term_input.plan.adversarial.epsilon

    def attack(
        vectors: TokenVectors, batch: Batch, outputs: Outputs, loss: Callable[[Outputs], torch.Tensor]
    ) -> torch.Tensor:
        step = scale_to_length(vectors.compute_gradient(batch, outputs.network, None, loss), epsilon)
        return loss(vectors.compute_outputs(batch, outputs.network, step))

    return _build_term("fgm", term_input.plan.adversarial.fgm, attack, term_input)


def build_pgd(term_input: TermInput) -> LossTerm | None:
    """Return the loss after projected gradient steps; None if its weight is 0."""
    options = term_input.plan.adversarial

    def attack(
        vectors: TokenVectors, batch: Batch, outputs: Outputs, loss: Callable[[Outputs], torch.Tensor]
    ) -> torch.Tensor:
        moved = vectors.create_zeros(batch)
        for _ in range(options.steps):
            gradient = vectors.compute_gradient(batch, outputs.network, moved, loss)
            moved = project_onto_ball(moved + scale_to_length(gradient, options.step_size), options.epsilon)
        return loss(vectors.compute_outputs(batch, outputs.network, moved))

    return _build_term("pgd", options.pgd, attack, term_input)


def build_freelb(term_input: TermInput) -> LossTerm | None:
    """Return the mean loss along gradient steps from a random start; None if its weight is 0."""
    options = term_input.plan.adversarial

    def attack(
        vectors: TokenVectors, batch: Batch, outputs: Outputs, loss: Callable[[Outputs], torch.Tensor]
    ) -> torch.Tensor:
        start = draw_directions(vectors.create_zeros(batch), batch)
        # A uniformly distributed length, so that the start is inside the ball.
        moved = scale_to_length(start, options.epsilon) * torch.rand(len(start), 1, 1, device=start.device)
        found: list[torch.Tensor] = []
        with repeat_dropout() as repeat:
            for number in range(options.steps):
                if number:
                    repeat()
                losses, gradient = vectors.compute_losses_and_gradient(batch, outputs.network, moved, loss)
                found.append(losses)
                moved = project_onto_ball(moved + scale_to_length(gradient, options.step_size), options.epsilon)
        return torch.stack(found).mean(dim=0)

    return _build_term("freelb", options.freelb, attack, term_input)


def _build_term(name: str, weight: float, attack: Attack, term_input: TermInput) -> LossTerm | None:
    if not weight:
        return None
    require_embeddings(term_input, name)
    vectors, objective = TokenVectors(), term_input.objective

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        return attack(vectors, batch, outputs, lambda moved: objective.loss(moved.logits, batch.targets))

    return LossTerm(
        name, loss, weight=weight, column="labelled", attach=vectors.attach, detach=vectors.detach,
    )  # fmt: skip
