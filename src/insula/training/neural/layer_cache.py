"""A cache on disk of the states that frozen lower layers compute for every training text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from insula.core.progress import Progress
from insula.inference.batching import iterate_batches
from insula.models.layers.padding import pad

TOKENS_PER_BATCH = 4096


class LowerStates:
    """States by row: `states[row]` is (tokens, width) float16, read from one flat file.

    float16 halves the file; layer-normalised states are of order one, so that they do not overflow.
    """

    def __init__(self, file: Path, lengths: Sequence[int], width: int) -> None:
        self._starts = np.concatenate([[0], np.cumsum(lengths)])
        shape = (int(self._starts[-1]), width)
        self._states: NDArray[np.float16] = np.memmap(file, dtype=np.float16, mode="r", shape=shape)

    def __getitem__(self, row: int) -> NDArray[np.float16]:
        return self._states[self._starts[row] : self._starts[row + 1]]


@torch.inference_mode()
def compute_lower_states(
    lower: nn.Module, tokens: Sequence[NDArray[np.int64]], width: int, file: Path, progress: Progress
) -> LowerStates:
    """Run the lower layers over all rows, in batches of similar length, and store the states in `file`."""
    lengths = [len(row) for row in tokens]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    file.parent.mkdir(parents=True, exist_ok=True)
    states = np.memmap(file, dtype=np.float16, mode="w+", shape=(int(starts[-1]), width))
    progress.start("lower layers", total=len(tokens))
    for batch in iterate_batches(lengths, tokens=TOKENS_PER_BATCH):
        ids, mask = pad([tokens[row] for row in batch])
        out = lower(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state
        for row, one in zip(batch, out.numpy(), strict=True):
            states[starts[row] : starts[row + 1]] = one[: lengths[row]]
        progress.advance(len(batch))
    states.flush()
    progress.finish()
    return LowerStates(file, lengths, width)
