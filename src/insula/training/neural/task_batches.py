"""Batches of several tasks: each of one task alone, the tasks in random order, in the shares that were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from insula.training.neural.batches import EvenBatches, TaskPart, TokenRows


class TaskBatches(Sampler[list[int]]):
    """Even batches of each task, interleaved; the order is a pure function of seed and epoch.

    A task of which an epoch takes less than all rows gives a random part of its batches, one of which it takes more
    goes round several times.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        parts: Sequence[TaskPart],
        batch_size: int,
        *,
        seed: int,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self.seed, self.epoch = seed, 0
        self._firsts = np.concatenate([[0], np.cumsum([part.rows for part in parts])]).tolist()
        self._batches = [
            EvenBatches(lengths[first : first + part.rows], batch_size, seed=seed, process=process, processes=processes)
            for first, part in zip(self._firsts, parts, strict=False)
        ]
        # As many as it takes with the rows that the processes together have a step.
        self._steps = [
            -(-part.taken // (batches.rows * processes)) for part, batches in zip(parts, self._batches, strict=True)
        ]

    def set_epoch(self, epoch: int) -> None:
        """Take the order of this epoch; called by the trainer."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(self._steps)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(
            np.repeat(np.arange(len(self._steps)), self._steps)
        )
        streams = [self._stream(task) for task in range(len(self._steps))]
        for task in order:
            yield next(streams[task])

    def _stream(self, task: int) -> Iterator[list[int]]:
        batches, first = self._batches[task], self._firsts[task]
        rounds = -(-self._steps[task] // len(batches))
        for number in range(rounds):
            batches.set_epoch(self.epoch * rounds + number)
            for rows in batches:
                yield [first + row for row in rows]


def training_batches(
    rows: TokenRows, batch_size: int, *, seed: int, process: int = 0, processes: int = 1
) -> EvenBatches | TaskBatches:
    """Return the training batches of rows of one task or several."""
    if rows.parts:
        return TaskBatches(rows.lengths, rows.parts, batch_size, seed=seed, process=process, processes=processes)
    return EvenBatches(rows.lengths, batch_size, seed=seed, process=process, processes=processes)
