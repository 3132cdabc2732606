"""Rows as the neural trainer reads them: token numbers (or cached lower states), targets, weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset
from transformers.trainer_pt_utils import LengthGroupedSampler

from insula.models.padding import pad
from insula.training.layer_cache import LowerStates


@dataclass
class TokenRows(Dataset[dict[str, Any]]):
    """A map-style data set over tokenised rows.

    tokens   one array of token numbers a row
    targets  (rows, outputs)
    weights  (rows,)
    states   the lower layers' states of the same rows; then these are given in place of token numbers
    """

    tokens: Sequence[NDArray[np.int64]]
    targets: NDArray[np.float64]
    weights: NDArray[np.float64]
    states: LowerStates | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {
            "input": self.tokens[row] if self.states is None else self.states[row],
            "target": self.targets[row],
            "weight": self.weights[row],
        }

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row, by which batches are grouped."""
        return [len(tokens) for tokens in self.tokens]


class LengthGroups(LengthGroupedSampler):
    """Rows in random groups of like length; each epoch's order follows from seed and epoch alone.

    transformers' own draws the order from torch's global generator, so that a run resumed in its second epoch or later
    would see its rows in another order than if it had never stopped.
    """

    def __init__(self, batch_size: int, lengths: list[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths, generator=torch.Generator())
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the order of this epoch; called by the trainer."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        self.generator.manual_seed((self.seed << 20) + self.epoch)
        order: Iterator[int] = super().__iter__()
        return order


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Pad to the longest row of the batch: `(rows, tokens)` or, for cached states, `(rows, tokens, width)`."""
    inputs, mask = pad([row["input"] for row in rows])
    return {
        "lower_states" if inputs.ndim == 3 else "input_ids": torch.from_numpy(inputs),
        "attention_mask": torch.from_numpy(mask),
        "labels": torch.tensor(np.stack([row["target"] for row in rows]), dtype=torch.float32),
        "weights": torch.tensor([row["weight"] for row in rows], dtype=torch.float32),
    }
