"""Optimisers, and the learning rate and weight decay of each parameter.

All of them decouple weight decay from the gradient (Loshchilov and Hutter 2019): a step is
theta - eta * update(gradient) - eta * lambda * theta.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import nn

from insula.core.errors import RecipeError
from insula.core.registry import Registry
from insula.training.options.sections import TrainOptions

Groups = list[dict[str, Any]]
_LAYER = re.compile(r"(?:^|\.)(?:layer|layers|h|blocks|forwards|backwards)\.(\d+)\.")
_EMBEDDING = re.compile(r"embedding|\.w[tp]e\.|^positions\.")


class DecoupledSGD(torch.optim.SGD):
    """Stochastic gradient descent with weight decay outside the momentum."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update the parameters."""
        decays = [group["weight_decay"] for group in self.param_groups]
        for group in self.param_groups:
            if group["weight_decay"]:
                torch._foreach_mul_(
                    [one for one in group["params"] if one.grad is not None], 1 - group["lr"] * group["weight_decay"]
                )
            group["weight_decay"] = 0.0
        try:
            loss: float | None = super().step(closure)
            return loss
        finally:
            for group, decay in zip(self.param_groups, decays, strict=True):
                group["weight_decay"] = decay


def _build_adamw(groups: Groups) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, fused=True)


def _build_adam(groups: Groups) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba 2015) with decoupled weight decay, which the paper does not have."""
    return torch.optim.Adam(groups, decoupled_weight_decay=True, fused=True)


def _build_sgd(groups: Groups) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum 0.9 (Sutskever et al. 2013)."""
    return DecoupledSGD(groups, momentum=0.9, nesterov=True)


optimisers: Registry[Callable[[Groups], torch.optim.Optimizer]] = Registry("optimisers")
optimisers.register("adamw", _build_adamw)
optimisers.register("adam", _build_adam)
optimisers.register("sgd", _build_sgd)


def build_optimiser(model: nn.Module, decayed: Collection[str], options: TrainOptions) -> torch.optim.Optimizer:
    """Return the optimiser of the options over groups of trainable parameters with equal rate and decay.

    decayed   names of the parameters with weight decay

    Raises what `group_parameters` raises.
    """
    groups = group_parameters(
        model,
        decayed,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        head_rate_factor=options.head_rate_factor,
        layer_rate_decay=options.layer_rate_decay,
    )
    return optimisers[options.optimiser](groups)


def group_parameters(
    model: nn.Module,
    decayed: Collection[str],
    *,
    learning_rate: float,
    weight_decay: float,
    head_rate_factor: float,
    layer_rate_decay: float,
) -> Groups:
    """Return the trainable parameters in groups of equal rate and decay.

    decayed            names of the parameters with weight decay: not biases and norms
    head_rate_factor   multiplies the rate of parameters under `head.`
    layer_rate_decay   layer n of N has the rate learning_rate * layer_rate_decay ** (N - n), embeddings count as
                       layer 0 (Howard and Ruder 2018); 1 gives all layers the same rate

    Raises `RecipeError` if the rate should decay and the network has no numbered layers.
    """
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    depths = {name: _parse_depth(name) for name, _ in model.named_parameters()}
    top = max((depth for depth in depths.values() if depth is not None), default=0)
    if top == 0 and layer_rate_decay != 1:
        raise RecipeError(
            "The train.layer_rate_decay option must be 1 for a network without numbered layers, such as one that "
            f"shares its weights among them. Got {layer_rate_decay:g}. Leave it out."
        )
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in named:
        depth = depths[name]
        rate = learning_rate
        if name.startswith("head."):
            rate *= head_rate_factor
        elif depth is not None:
            rate *= layer_rate_decay ** (top - depth)
        groups.setdefault((rate, name in decayed), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": weight_decay if decays else 0.0}
        for (rate, decays), parameters in groups.items()
    ]


def _parse_depth(name: str) -> int | None:
    """Return the layer of a parameter of the backbone: 1 is the lowest, 0 for embeddings; None above the layers."""
    found = _LAYER.search(name)
    if found:
        return int(found[1]) + 1
    return 0 if _EMBEDDING.search(name) else None
