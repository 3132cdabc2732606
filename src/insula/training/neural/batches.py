"""Tokenised rows for the neural trainer, and batches of similar length with about the same number of tokens."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from insula.inference.batching import iterate_batches
from insula.models.layers.padding import pad
from insula.training.neural.layer_cache import LowerStates

WINDOW = 64  # batches that are sorted by length together: enough for little padding, few enough for random order
MAX_ROWS_FACTOR = 2  # times the batch size, so that no batch of very short texts holds a tenth of the data


@dataclass
class TokenRows(Dataset[dict[str, Any]]):
    """A map-style data set of tokenised rows, column by column.

    tokens    an array of token ids for each row
    targets   (rows, outputs); with several tasks an array for each row, with the outputs of its task
    weights   (rows,)
    states    the states of the frozen lower layers, which replace the token ids
    paired    whether rows are pairs: token ids are then passed along with states, to separate the segments
    task      (rows,) the task of each row, 0 is the main task; None: all are main
    epoch_rows  the number of rows of each task in an epoch; with one task all rows
    epoch     (rows,) the only epoch, from 1, that uses a row; 0: every epoch; None: every epoch uses all rows
    columns   (rows, ...) further columns for loss terms, by name: `labelled`, `teacher`, and those of plug-ins
    views     token ids of other texts for the same rows, by name, for terms that compare them
    truncated  the number of rows whose text is longer
    """

    tokens: Sequence[NDArray[np.int64]]
    targets: NDArray[np.float64] | Sequence[NDArray[np.float64]]
    weights: NDArray[np.float64]
    states: LowerStates | None = None
    paired: bool = False
    task: NDArray[np.intp] | None = None
    epoch_rows: Sequence[int] = ()
    epoch: NDArray[np.intp] | None = None
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    views: Mapping[str, Sequence[NDArray[np.int64]]] = field(default_factory=dict)
    truncated: int = 0

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {
            "input": self.tokens[row] if self.states is None else self.states[row],
            "target": self.targets[row],
            "weight": self.weights[row],
            "task": 0 if self.task is None else int(self.task[row]),
            "columns": {name: column[row] for name, column in self.columns.items()},
            "views": {name: tokens[row] for name, tokens in self.views.items()},
            **({"tokens": self.tokens[row]} if self.states is not None and self.paired else {}),
        }

    @property
    def lengths(self) -> list[int]:
        """The number of tokens of each row, by which batches are grouped."""
        return [len(tokens) for tokens in self.tokens]


class EvenBatches(Sampler[list[int]]):
    """Training batches: ceil(rows / batch_size) batches, each with about the same number of padded tokens.

    Rows are shuffled, sorted by length within a window of batches, and cut under the smallest token budget that gives
    this number of batches. A batch of short texts thus has more rows and one of long texts fewer, padding is small, and
    all steps take about the same time. The order is a pure function of seed and epoch. Each of `processes` takes an
    equal share of the rows of every step: a step has the largest multiple of `processes` within `batch_size`, at least
    one row each.

    epoch  (rows,) as in `TokenRows`: rows of another epoch are left out; every epoch has the steps of the largest one
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        *,
        seed: int,
        process: int = 0,
        processes: int = 1,
        epoch: NDArray[np.intp] | None = None,
    ) -> None:
        self.lengths = np.asarray(lengths)
        self.only = np.zeros(len(self.lengths), dtype=np.intp) if epoch is None else epoch
        self.rows = max(1, batch_size // processes)
        self.steps = -(-count_epoch_rows(self.only) // (self.rows * processes))
        self.seed, self.process, self.processes = seed, process, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which decides the order; called by the trainer."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng([self.seed, self.epoch])
        used = np.flatnonzero((self.only == 0) | (self.only == self.epoch + 1))
        order = self._sort_in_windows(used[random.permutation(len(used))])
        count = min(self.steps * self.processes, len(order))
        cuts = _cut_evenly(self.lengths[order].tolist(), count, MAX_ROWS_FACTOR * self.rows)
        made = [order[first:last].tolist() for first, last in itertools.pairwise(cuts)]
        made = [made[number] for number in random.permutation(len(made))]
        # With fewer rows than processes times steps, some batches are repeated, so that no process waits forever.
        made = [made[number % len(made)] for number in range(self.steps * self.processes)]
        yield from made[self.process :: self.processes]

    def _sort_in_windows(self, order: NDArray[np.intp]) -> NDArray[np.intp]:
        """Sort each window by length, alternately up and down, so that lengths are similar across window borders."""
        # At least two windows: with one, every epoch would have the same batches.
        width = min(WINDOW, max(1, self.steps // 2)) * self.rows * self.processes
        windows = [order[first : first + width] for first in range(0, len(order), width)]
        ordered = [window[np.argsort(self.lengths[window], kind="stable")] for window in windows]
        return np.concatenate([window[::-1] if number % 2 else window for number, window in enumerate(ordered)])


def count_epoch_rows(epoch: NDArray[np.intp]) -> int:
    """Return the number of rows in the largest epoch, given `TokenRows.epoch`."""
    every, *others = np.bincount(epoch, minlength=1).tolist()
    return int(every + max(others, default=0))


def _cut_evenly(lengths: list[int], count: int, most_rows: int) -> list[int]:
    """Return the borders of exactly `count` runs of rows under the smallest budget of padded tokens."""
    low, high = 1, max(lengths) * most_rows
    while low < high:
        middle = (low + high) // 2
        if len(_cut_into_batches(lengths, middle, most_rows)) - 1 <= count:
            high = middle
        else:
            low = middle + 1
    cuts = _cut_into_batches(lengths, low, most_rows)
    while len(cuts) - 1 < count:
        widest = max(range(len(cuts) - 1), key=lambda run: cuts[run + 1] - cuts[run])
        cuts.insert(widest + 1, (cuts[widest] + cuts[widest + 1]) // 2)
    return cuts


def _cut_into_batches(lengths: list[int], budget: int, most_rows: int) -> list[int]:
    """Return the borders of runs of rows with at most `budget` padded tokens; a longer row is its own run."""
    cuts, first, longest = [0], 0, 0
    for row, length in enumerate(lengths):
        longest = max(longest, length)
        rows = row - first + 1
        if rows > 1 and (rows > most_rows or longest * rows > budget):
            cuts.append(row)
            first, longest = row, length
    return [*cuts, len(lengths)]


class EpochLoader(DataLoader[dict[str, Any]]):
    """A loader that passes the epoch to its batch sampler."""

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which decides the order; called by the trainer."""
        self.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]


class BudgetBatches(Sampler[list[int]]):
    """Evaluation batches: the same as for prediction."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self.batches = [batch.tolist() for batch in iterate_batches(lengths)]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return rows of one task as a batch: padded inputs, targets (`labels`), weights, the other columns by name.

    Inputs are padded to the longest row: `(rows, tokens)` or, for cached states, `(rows, tokens, width)`.
    """
    batch: dict[str, Any] = _pad([row["input"] for row in rows])
    batch["labels"] = torch.tensor(np.stack([row["target"] for row in rows]), dtype=torch.float32)
    batch["weights"] = torch.tensor([row["weight"] for row in rows], dtype=torch.float32)
    first = rows[0]
    if "tokens" in first:
        batch |= _pad([row["tokens"] for row in rows])
    if first["task"]:
        batch["task"] = first["task"]
    for name in first["columns"]:
        column = torch.from_numpy(np.stack([row["columns"][name] for row in rows]))
        batch[name] = column.float() if column.is_floating_point() else column
    if first["views"]:
        batch["views"] = {name: _pad([row["views"][name] for row in rows]) for name in first["views"]}
    return batch


def _pad(rows: Sequence[NDArray[Any]]) -> dict[str, Any]:
    inputs, mask = pad(rows)
    name = "lower_states" if inputs.ndim == 3 else "input_ids"
    return {name: torch.from_numpy(inputs), "attention_mask": torch.from_numpy(mask)}
