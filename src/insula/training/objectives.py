"""Objectives: what a neural model is trained to make small. One loss a row; the trainer averages by example weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from insula.core.errors import RecipeError
from insula.core.registry import Registry
from insula.core.scheme import Kind, LabelScheme

Targets = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A loss and what goes with it.

    loss     (rows, outputs) logits and (rows, outputs) targets to (rows,) losses
    biases   (rows, outputs) training targets and (rows,) weights to the head's first biases
    kinds    of label schemes that it fits
    """

    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    biases: Callable[[Targets, Targets], list[float]]
    kinds: tuple[Kind, ...]


def targets(scheme: LabelScheme, gold: Targets) -> Targets:
    """Return the (rows, outputs) targets of a (rows, labels) gold matrix: binary has one output, the positive label."""
    return gold[:, 1:] if scheme.kind == "binary" else gold


def choose_objective(name: str, scheme: LabelScheme) -> Objective:
    """Return the objective of that name; `auto` takes the one that fits the scheme's kind.

    Raises `RecipeError` where it does not fit: a softmax over one output, say, would learn nothing and not say so.
    """
    if name == "auto":
        name = {"binary": "sigmoid", "multi": "sigmoid", "dimensional": "squared"}.get(scheme.kind, "softmax")
    objective = objectives[name]
    if scheme.kind not in objective.kinds:
        raise RecipeError(
            f"The train.objective {name!r} is for {' and '.join(objective.kinds)} labels. "
            f"Got {scheme.kind} labels. Set train.objective=auto."
        )
    return objective


def _rates(wanted: Targets, weights: Targets) -> Targets:
    # Half a row of each kind is added, so that a label nobody saw has a finite log-odds.
    rates: Targets = (weights @ wanted + 0.5) / (weights.sum() + 1.0)
    return rates


def _log_odds(wanted: Targets, weights: Targets) -> list[float]:
    rates = _rates(wanted, weights)
    return list(np.log(rates / (1.0 - rates)))


def _log_rates(wanted: Targets, weights: Targets) -> list[float]:
    return list(np.log(_rates(wanted, weights)))


def _means(wanted: Targets, weights: Targets) -> list[float]:
    return list(np.average(wanted, axis=0, weights=weights if weights.any() else None))


def _sigmoid(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean(dim=1)


def _softmax(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return -(wanted * logits.log_softmax(dim=1)).sum(dim=1)


def _squared(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return (logits - wanted).square().mean(dim=1)


objectives: Registry[Objective] = Registry("objectives")
objectives.register("sigmoid", Objective(_sigmoid, _log_odds, ("binary", "multi")))
objectives.register("softmax", Objective(_softmax, _log_rates, ("single", "ordinal")))
objectives.register("squared", Objective(_squared, _means, ("dimensional",)))
