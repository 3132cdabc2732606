"""Perturbations of a network's token vectors, by which adversarial terms find and apply the worst direction."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from insula.core.errors import RecipeError
from insula.training.loss_terms.term import Batch, Network, Outputs, TermInput

if TYPE_CHECKING:
    from insula.training.loss_terms.term import Inputs

MIN_NORM = 1e-12


def require_embeddings(term_input: TermInput, option: str) -> None:
    """Raise `RecipeError` if the token vectors of the network are not computed in training."""
    frozen = term_input.plan.train.freeze_layers
    if frozen:
        raise RecipeError(
            f"The adversarial.{option} option perturbs token vectors, which train.freeze_layers keeps out of training. "
            f"Got freeze_layers={frozen}. Set one of them to 0."
        )


class TokenVectors:
    """The token vectors of a network in training; runs forward passes with these vectors perturbed.

    Vectors are the outputs of the embedding layer, (rows, tokens, width). The weights never change: a forward hook adds
    the perturbation, and exists only during the pass.
    """

    def __init__(self) -> None:
        self._model: Any = None
        self._layer: nn.Module | None = None

    def attach(self, model: Any) -> None:
        """Find the embedding layer of a model."""
        self._model = model
        self._layer = model.backbone.get_input_embeddings() if hasattr(model, "backbone") else model.embedding

    def detach(self, model: Any) -> None:
        """Release the model."""
        self._model = self._layer = None

    def compute_gradient(
        self,
        batch: Batch,
        network: Network,
        perturbation: torch.Tensor | None,
        loss: Callable[[Outputs], torch.Tensor],
    ) -> torch.Tensor:
        """Return the gradient of the summed `loss` with respect to the token vectors, 0 for padding.

        The parameters get no gradient.
        """
        # Not the wrapped network of several processes, whose hooks expect a backward pass for each forward pass.
        own = dataclasses.replace(network, model=self._model)
        outputs, vectors = self._run(own, batch.inputs, perturbation)
        return _zero_padding(torch.autograd.grad(loss(outputs).sum(), vectors)[0], batch)

    def compute_outputs(self, batch: Batch, network: Network, perturbation: torch.Tensor) -> Outputs:
        """Return the outputs of the network for perturbed token vectors."""
        return self._run(network, batch.inputs, perturbation)[0]

    def compute_losses_and_gradient(
        self, batch: Batch, network: Network, perturbation: torch.Tensor, loss: Callable[[Outputs], torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the (rows,) losses for perturbed token vectors, and their gradient as in `gradient`."""
        outputs, vectors = self._run(network, batch.inputs, perturbation)
        losses = loss(outputs)
        gradient = torch.autograd.grad(losses.sum(), vectors, retain_graph=True)[0]
        return losses, _zero_padding(gradient, batch)

    def create_zeros(self, batch: Batch) -> torch.Tensor:
        """Return zeros of the shape of the token vectors of a batch."""
        if self._layer is None:
            raise RuntimeError("TokenVectors must be attached to a model before the training. Call attach first.")
        weight = next(self._layer.parameters())
        ids = batch.inputs["input_ids"]
        return torch.zeros(*ids.shape, weight.shape[1], dtype=torch.float32, device=ids.device)

    def _run(self, network: Network, inputs: Inputs, perturbation: torch.Tensor | None) -> tuple[Outputs, torch.Tensor]:
        if self._layer is None:
            raise RuntimeError("TokenVectors must be attached to a model before the training. Call attach first.")
        seen: list[torch.Tensor] = []

        def add(_: nn.Module, __: Any, vectors: torch.Tensor) -> torch.Tensor:
            moved = vectors if perturbation is None else vectors + perturbation.to(vectors.dtype)
            if not moved.requires_grad:  # frozen embeddings, such as those below an adapter
                moved = moved.detach().requires_grad_()
            seen.append(moved)
            return moved

        hook = self._layer.register_forward_hook(add)
        try:
            outputs = network(inputs)
        finally:
            hook.remove()
        return outputs, seen[0]


def scale_to_length(vectors: torch.Tensor, length: float) -> torch.Tensor:
    """Return (rows, tokens, width) vectors scaled to a norm of `length` over all tokens of a row; 0 stays 0."""
    return length * vectors / compute_norms(vectors).clamp(min=MIN_NORM)


def project_onto_ball(vectors: torch.Tensor, radius: float) -> torch.Tensor:
    """Return (rows, tokens, width) vectors projected onto the ball of `radius` for each row."""
    return vectors * (radius / compute_norms(vectors).clamp(min=MIN_NORM)).clamp(max=1.0)


def compute_norms(vectors: torch.Tensor) -> torch.Tensor:
    """Return the (rows, 1, 1) norms over all tokens of a row."""
    found: torch.Tensor = torch.linalg.vector_norm(vectors, dim=(1, 2), keepdim=True)
    return found


def draw_directions(like: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return normally distributed vectors of the shape of `like`, 0 for padding."""
    return _zero_padding(torch.randn_like(like), batch)


@contextlib.contextmanager
def repeat_dropout() -> Iterator[Callable[[], None]]:
    """Yield a function that makes the next forward pass repeat the dropout of the first one."""
    cuda = torch.cuda.is_available()
    cpu_state = torch.get_rng_state()
    cuda_states = torch.cuda.get_rng_state_all() if cuda else []

    def repeat() -> None:
        torch.set_rng_state(cpu_state)
        if cuda:
            torch.cuda.set_rng_state_all(cuda_states)

    yield repeat


def _zero_padding(vectors: torch.Tensor, batch: Batch) -> torch.Tensor:
    return vectors.detach() * batch.inputs["attention_mask"].unsqueeze(-1).to(vectors.dtype)
