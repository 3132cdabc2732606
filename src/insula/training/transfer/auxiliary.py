"""Auxiliary sets: the rows that a run adds to its own where its recipe names other labelled sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import DataError
from insula.core.progress import Progress
from insula.core.sentences import counted
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.data.splits.leak import Fingerprint
from insula.training.fitting import Rows, Task
from insula.training.recipe.recipe import Recipe

LEFT_ASIDE = 0.01  # of a source without splits: nothing is measured on an auxiliary set


def with_auxiliary(dataset: Dataset, recipe: Recipe, progress: Progress) -> Dataset:
    """Return the data set with the sets that the recipe names in `also`.

    Their training and validation rows are taken, their test rows never; rows whose text is in validation or test
    of `dataset` are left out. Those that it has already are kept. Raises `DataError` where nothing is left of one.
    """
    also: list[Dataset] = []
    notes = []
    held_out = Fingerprint.of(e for name in ("validation", "test") for e in dataset.splits.get(name, ()))
    options = DataOptions(
        validation_fraction=LEFT_ASIDE, test_fraction=LEFT_ASIDE, max_text_length=recipe.data.max_text_length
    )
    loaded = (load_dataset(source, options, seed=recipe.seed) for source in recipe.auxiliary.sources)
    for found in (*dataset.also, *loaded):
        rows = [*found.split("train"), *found.splits.get("validation", ())]
        seen = held_out.seen(rows)
        kept = [example for example, is_seen in zip(rows, seen, strict=True) if not is_seen]
        if not kept:
            raise DataError(
                f"Every row of the auxiliary set {found.name!r} stands in validation or test. Leave it out."
            )
        note = (
            f"{found.name} is learnt beside it: {counted(len(kept), 'row')}, {len(found.scheme.names)} labels; "
            f"{int(seen.sum()):,} left out that stand in validation or test."
        )
        progress.say(note)
        notes.append(note)
        also.append(dataclasses.replace(found, splits={"train": kept}))
    if not also:
        return dataset
    return dataclasses.replace(dataset, also=tuple(also), notes=(*dataset.notes, *notes))


def with_task_rows(rows: Rows, tasks: Sequence[Task]) -> Rows:
    """Return the training rows joined with those of the tasks, which have no labels of the main set."""
    if not tasks:
        return rows
    counts = [len(task.rows) for task in tasks]
    others = sum(counts)
    labelled = np.ones(len(rows), dtype=bool) if rows.labelled is None else rows.labelled
    return Rows(
        texts=[*rows.texts, *(text for task in tasks for text in task.rows.texts)],
        gold=_with_zeros(rows.gold, others),
        weights=np.concatenate([rows.weights, *(task.rows.weights for task in tasks)]),
        labelled=np.concatenate([labelled, np.zeros(others, dtype=bool)]),
        teacher=None if rows.teacher is None else _with_zeros(rows.teacher, others),
        task=np.repeat(np.arange(1 + len(tasks)), [len(rows), *counts]),
    )


def _with_zeros(matrix: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    return np.concatenate([matrix, np.zeros((rows, matrix.shape[1]))])
