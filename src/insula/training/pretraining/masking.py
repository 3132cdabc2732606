"""Which tokens are hidden: drawn anew each epoch, as a pure function of seed, epoch and row."""

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

IGNORED = -100  # no token is asked for here
HELD_OUT_EPOCH = 2**31 - 1  # the masks of held-out rows never change

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Masking:
    """How tokens are hidden (Devlin et al. 2019).

    share      of the tokens that may be hidden; at least one a row
    mask       the number of the mask token, in place of 80 % of those chosen
    ordinary   the numbers of all tokens but the special ones: 10 % of those chosen become one of them at random
    special    the numbers that are never hidden; the last 10 % of those chosen stay as they are
    """

    share: float
    mask: int
    ordinary: Tokens
    special: Tokens

    def hide(self, tokens: Tokens, random: np.random.Generator) -> tuple[Tokens, Tokens]:
        """Return the tokens with some hidden, and the hidden ones in their places, `IGNORED` elsewhere."""
        places = np.flatnonzero(~np.isin(tokens, self.special))
        wanted = np.full_like(tokens, IGNORED)
        if not len(places):
            return tokens, wanted
        # A fraction of a token is drawn for, so that the share is met in the mean whatever the length.
        count = min(len(places), max(1, int(self.share * len(places) + random.random())))
        chosen = random.choice(places, size=count, replace=False)
        wanted[chosen] = tokens[chosen]
        fate = random.random(count)
        hidden = tokens.copy()
        hidden[chosen[fate < 0.8]] = self.mask
        swapped = chosen[(fate >= 0.8) & (fate < 0.9)]
        hidden[swapped] = random.choice(self.ordinary, size=len(swapped))
        return hidden, wanted


@dataclass(frozen=True)
class MaskedRows(Dataset[dict[str, Any]]):
    """Tokenised rows, to be read by `epoch * rows + row`: the number says which mask the row wears."""

    tokens: Sequence[Tokens]
    masking: Masking
    seed: int

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, number: int) -> dict[str, Any]:
        epoch, row = divmod(number, len(self.tokens))
        random = np.random.default_rng([self.seed, epoch, row])
        hidden, wanted = self.masking.hide(self.tokens[row], random)
        return {"input": hidden, "wanted": wanted}

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row, by which batches are grouped."""
        return [len(tokens) for tokens in self.tokens]


class NumberedBatches(EvenBatches):
    """The batches of training, their rows numbered through the epochs as `MaskedRows` reads them."""

    def __iter__(self) -> Iterator[list[int]]:
        before = self.epoch * len(self.lengths)
        for rows in super().__iter__():
            yield [before + row for row in rows]


def collate_masked(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Pad to the longest row of the batch: `input_ids`, `attention_mask`, `labels`, each (rows, tokens)."""
    inputs, mask = pad([row["input"] for row in rows])
    wanted, _ = pad([row["wanted"] for row in rows])
    wanted[mask == 0] = IGNORED
    return {
        "input_ids": torch.from_numpy(inputs),
        "attention_mask": torch.from_numpy(mask),
        "labels": torch.from_numpy(wanted),
    }
