"""A moving average of the weights, often better than the last ones (Polyak and Juditsky 1992)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

FILE = "average.safetensors"


class MovingAverage:
    """The exponential moving average of a model's trainable parameters.

    After step t the average a becomes a + (1 - d) * (weights - a) with d = min(decay, (1 + t) / (10 + t)), so that
    early weights soon lose their influence.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._live = {name: one for name, one in model.named_parameters() if one.requires_grad}
        self._average = {name: one.detach().clone() for name, one in self._live.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the weights after `step` to the average."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self._average.values()), list(self._live.values()), 1 - decay)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Use the averaged weights inside the block."""
        self.exchange()
        try:
            yield
        finally:
            self.exchange()

    @torch.no_grad()
    def exchange(self) -> None:
        """Swap the weights of the model and the average."""
        for name, live in self._live.items():
            kept = live.detach().clone()
            live.copy_(self._average[name])
            self._average[name].copy_(kept)

    def save(self, folder: Path) -> None:
        """Write the average into the folder of a checkpoint."""
        save_file({name: one.contiguous() for name, one in self._average.items()}, folder / FILE)

    @torch.no_grad()
    def load(self, folder: Path) -> None:
        """Read the average from the folder of a checkpoint."""
        kept = load_file(folder / FILE)
        for name, average in self._average.items():
            average.copy_(kept[name])
