"""Batches for several tasks: each batch belongs to one task, in random order and in the shares of the recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from insula.training.neural.batches import EvenBatches, TokenRows


class TaskBatches(Sampler[list[int]]):
    """Even batches of each task, interleaved; the order is a pure function of seed and epoch.

    lengths     (rows,) number of tokens of each row
    task        (rows,) the task of each row, from 0
    epoch_rows  the number of rows of each task in an epoch: a random subset of the batches of a larger task; the
                batches of a smaller task are repeated
    epoch       (rows,) as in `TokenRows`
    """

    def __init__(
        self,
        lengths: Sequence[int],
        task: NDArray[np.intp],
        epoch_rows: Sequence[int],
        batch_size: int,
        *,
        seed: int,
        process: int = 0,
        processes: int = 1,
        epoch: NDArray[np.intp] | None = None,
    ) -> None:
        self.seed, self.epoch = seed, 0
        self._rows = [np.flatnonzero(task == number) for number in range(len(epoch_rows))]
        every = np.asarray(lengths)
        self._batches = [
            EvenBatches(
                every[rows].tolist(), batch_size, seed=seed, process=process, processes=processes,
                epoch=None if epoch is None else epoch[rows],
            )
            for rows in self._rows
        ]  # fmt: skip
        # The number of steps, given the rows of a step over all processes.
        self._steps = [
            -(-taken // (batches.rows * processes)) for taken, batches in zip(epoch_rows, self._batches, strict=True)
        ]

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which decides the order; called by the trainer."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(self._steps)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(
            np.repeat(np.arange(len(self._steps)), self._steps)
        )
        streams = [self._iterate_task_batches(task) for task in range(len(self._steps))]
        for task in order:
            yield next(streams[task])

    def _iterate_task_batches(self, task: int) -> Iterator[list[int]]:
        batches, rows = self._batches[task], self._rows[task]
        rounds = -(-self._steps[task] // len(batches))
        for number in range(rounds):
            batches.set_epoch(self.epoch * rounds + number)
            for batch in batches:
                yield rows[batch].tolist()


def count_rows_per_epoch(main: int, others: Sequence[int], alpha: float) -> list[int]:
    """Return the number of rows of each set in an epoch: all of the main set, main * (n / main)^alpha of others."""
    return [main, *(max(1, round(main * (rows / main) ** alpha)) for rows in others)]


def build_training_batches(
    rows: TokenRows, batch_size: int, *, seed: int, process: int = 0, processes: int = 1
) -> EvenBatches | TaskBatches:
    """Return the batch sampler for rows of one or several tasks."""
    if rows.task is not None:
        return TaskBatches(
            rows.lengths, rows.task, rows.epoch_rows, batch_size, seed=seed, process=process, processes=processes,
            epoch=rows.epoch,
        )  # fmt: skip
    return EvenBatches(rows.lengths, batch_size, seed=seed, process=process, processes=processes, epoch=rows.epoch)
