"""Rows as the neural trainer reads them: token numbers (or cached lower states), targets, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

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


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Pad to the longest row of the batch: `(rows, tokens)` or, for cached states, `(rows, tokens, width)`."""
    inputs, mask = pad([row["input"] for row in rows])
    return {
        "lower_states" if inputs.ndim == 3 else "input_ids": torch.from_numpy(inputs),
        "attention_mask": torch.from_numpy(mask),
        "labels": torch.tensor(np.stack([row["target"] for row in rows]), dtype=torch.float32),
        "weights": torch.tensor([row["weight"] for row in rows], dtype=torch.float32),
    }
