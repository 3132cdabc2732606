"""`Objective`: a loss on labels and the head that goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from insula.core.scheme import Kind
from insula.training.options.objective import ObjectiveOptions

if TYPE_CHECKING:
    import torch  # not at run time: the `linear` family imports this file and needs no torch


Targets = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A loss on labels, the initial biases of its head, and a divergence between two passes.

    loss        maps (rows, outputs) logits and (rows, outputs) targets to (rows,) losses; targets may be soft
    biases      maps (rows, outputs) training targets and (rows,) weights to the initial biases of the head
    divergence  maps (rows, outputs) logits of two passes to their (rows,) symmetric divergence, for R-Drop
    head        name of the head in `models.layers.heads`
    """

    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    biases: Callable[[Targets, Targets], list[float]]
    divergence: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    head: str = "linear"


@dataclass(frozen=True)
class ObjectiveEntry:
    """A member of the registry.

    build    returns the objective for the options, the kind of the scheme and (2, labels) weights of absent and
             present labels (None except for multi-label schemes with class weights)
    kinds    the kinds of label schemes that it supports
    options  the options that only this objective reads
    """

    build: Callable[[ObjectiveOptions, Kind, Targets | None], Objective]
    kinds: tuple[Kind, ...]
    options: tuple[str, ...] = ()
