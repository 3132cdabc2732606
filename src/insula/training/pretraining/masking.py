"""Token masking: redrawn each epoch, as a pure function of seed, epoch and row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from insula.models.layers.padding import pad
from insula.training.neural.batches import EvenBatches

IGNORED = -100  # the label of tokens without a loss
HELD_OUT_EPOCH = 2**31 - 1  # gives held-out rows fixed masks

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Masking:
    """Masking of tokens (Devlin et al. 2019).

    share      share of ordinary tokens that are masked; at least one in each row
    mask       id of the mask token, which replaces 80 % of the chosen tokens
    ordinary   ids of all tokens that are not special: 10 % of the chosen tokens are replaced by a random one
    special    ids that are never masked; the remaining 10 % of the chosen tokens stay unchanged
    """

    share: float
    mask: int
    ordinary: Tokens
    special: Tokens

    def hide(self, tokens: Tokens, random: np.random.Generator) -> tuple[Tokens, Tokens]:
        """Return the masked tokens, and labels: the original token at each masked position, `IGNORED` elsewhere."""
        places = np.flatnonzero(~np.isin(tokens, self.special))
        labels = np.full_like(tokens, IGNORED)
        if not len(places):
            return tokens, labels
        # The fraction of a token is rounded at random, so that the mean share is exact for every length.
        count = min(len(places), max(1, int(self.share * len(places) + random.random())))
        chosen = random.choice(places, size=count, replace=False)
        labels[chosen] = tokens[chosen]
        fate = random.random(count)
        hidden = tokens.copy()
        hidden[chosen[fate < 0.8]] = self.mask
        swapped = chosen[(fate >= 0.8) & (fate < 0.9)]
        hidden[swapped] = random.choice(self.ordinary, size=len(swapped))
        return hidden, labels


@dataclass(frozen=True)
class MaskedRows(Dataset[dict[str, Any]]):
    """Tokenised rows, indexed by `epoch * rows + row`: the index decides the mask."""

    tokens: Sequence[Tokens]
    masking: Masking
    seed: int

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, number: int) -> dict[str, Any]:
        epoch, row = divmod(number, len(self.tokens))
        random = np.random.default_rng([self.seed, epoch, row])
        hidden, labels = self.masking.hide(self.tokens[row], random)
        return {"input": hidden, "labels": labels}

    @property
    def lengths(self) -> list[int]:
        """The number of tokens of each row, by which batches are grouped."""
        return [len(tokens) for tokens in self.tokens]


class NumberedBatches(EvenBatches):
    """Training batches with the row indices of `MaskedRows`, which count through the epochs."""

    def __iter__(self) -> Iterator[list[int]]:
        before = self.epoch * len(self.lengths)
        for rows in super().__iter__():
            yield [before + row for row in rows]


def collate_masked(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Return a batch padded to its longest row: `input_ids`, `attention_mask`, `labels`, each (rows, tokens)."""
    inputs, mask = pad([row["input"] for row in rows])
    labels, _ = pad([row["labels"] for row in rows])
    labels[mask == 0] = IGNORED
    return {
        "input_ids": torch.from_numpy(inputs),
        "attention_mask": torch.from_numpy(mask),
        "labels": torch.from_numpy(labels),
    }
