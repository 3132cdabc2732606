"""What an objective is: a loss on a row's labels and what goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from insula.core.scheme import Kind
from insula.training.options.objective import ObjectiveOptions

if TYPE_CHECKING:
    import torch  # the losses import it at run time: the `linear` family reads this file and needs no torch


Targets = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A loss and what goes with it.

    loss        (rows, outputs) logits and (rows, outputs) targets to (rows,) losses; targets may be soft
    biases      (rows, outputs) training targets and (rows,) weights to the head's initial biases
    divergence  (rows, outputs) logits of two passes to their (rows,) symmetric divergence, for R-Drop
    head        which of `models.layers.heads` the network needs
    """

    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    biases: Callable[[Targets, Targets], list[float]]
    divergence: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    head: str = "linear"


@dataclass(frozen=True)
class ObjectiveEntry:
    """A member of the registry.

    build    from the options, the scheme's kind and (2, labels) weights of absent and present labels (multi-label
             schemes with class weights only, else None) to the objective
    kinds    label schemes that it fits
    options  options that it reads, beyond those that every objective has
    """

    build: Callable[[ObjectiveOptions, Kind, Targets | None], Objective]
    kinds: tuple[Kind, ...]
    options: tuple[str, ...] = ()
