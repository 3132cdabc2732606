"""What an objective is: a loss and what goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from insula.core.scheme import Kind
from insula.training.options.objective import ObjectiveOptions

if TYPE_CHECKING:
    import torch  # at run time the losses bring it: `linear` asks this file too, and needs none


Targets = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A loss and what goes with it.

    loss        (rows, outputs) logits and (rows, outputs) targets to (rows,) losses; targets may be soft
    biases      (rows, outputs) training targets and (rows,) weights to the logits that the head begins with
    divergence  (rows, outputs) logits twice to their (rows,) symmetric divergence, for R-Drop
    head        which of `models.heads` the network needs
    r_drop      weight of the divergence between two dropout passes; 0 asks for one pass only
    """

    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    biases: Callable[[Targets, Targets], list[float]]
    divergence: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    head: str = "linear"
    r_drop: float = 0.0


@dataclass(frozen=True)
class ObjectiveEntry:
    """A member of the registry.

    build    from the options, the scheme's kind and (2, labels) weights of absent and present labels (multi-label with
             class weights only, else None) to the objective
    kinds    of label schemes that it fits
    options  which options it reads, beyond those that every objective has
    """

    build: Callable[[ObjectiveOptions, Kind, Targets | None], Objective]
    kinds: tuple[Kind, ...]
    options: tuple[str, ...] = ()
