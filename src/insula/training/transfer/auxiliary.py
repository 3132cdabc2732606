"""Auxiliary sets: further labelled sets that a recipe adds to the training of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import DataError
from insula.core.progress import Progress
from insula.core.sentences import pluralise
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.data.splits.leak import Fingerprint
from insula.training.fitting import Rows, Task, append_empty_names, append_every_epoch
from insula.training.recipe.recipe import Recipe

HELD_OUT_FRACTION = 0.01  # small, for sources without splits: nothing is evaluated on an auxiliary set


def add_auxiliary_sets(dataset: Dataset, recipe: Recipe, progress: Progress) -> Dataset:
    """Return the data set with the auxiliary sets of the recipe appended to `also`.

    Their training and validation rows are used, never their test rows; rows whose text is in validation or test of
    `dataset` are removed. Raises `DataError` if a set has no rows left.
    """
    also: list[Dataset] = []
    notes = []
    held_out = Fingerprint.of(e for name in ("validation", "test") for e in dataset.splits.get(name, ()))
    options = DataOptions(
        validation_fraction=HELD_OUT_FRACTION,
        test_fraction=HELD_OUT_FRACTION,
        max_text_length=recipe.data.max_text_length,
    )
    loaded = (load_dataset(source, options, seed=recipe.seed) for source in recipe.auxiliary.sources)
    for found in (*dataset.also, *loaded):
        rows = [*found.split("train"), *found.splits.get("validation", ())]
        seen = held_out.find_seen(rows)
        kept = [example for example, is_seen in zip(rows, seen, strict=True) if not is_seen]
        if not kept:
            raise DataError(
                f"Every row of the auxiliary set {found.name!r} is in validation or test. Leave the set out."
            )
        note = (
            f"Auxiliary set {found.name}: {pluralise(len(kept), 'row')}, {len(found.scheme.names)} labels; "
            f"{int(seen.sum()):,} removed that are in validation or test."
        )
        progress.say(note)
        notes.append(note)
        also.append(dataclasses.replace(found, splits={"train": kept}))
    if not also:
        return dataset
    return dataclasses.replace(dataset, also=tuple(also), notes=(*dataset.notes, *notes))


def append_task_rows(rows: Rows, tasks: Sequence[Task]) -> Rows:
    """Return the training rows, followed by rows of the tasks, which have no labels of the main set."""
    if not tasks:
        return rows
    counts = [len(task.rows) for task in tasks]
    others = sum(counts)
    labelled = np.ones(len(rows), dtype=bool) if rows.labelled is None else rows.labelled
    return Rows(
        texts=[*rows.texts, *(text for task in tasks for text in task.rows.texts)],
        gold=_append_zeros(rows.gold, others),
        weights=np.concatenate([rows.weights, *(task.rows.weights for task in tasks)]),
        labelled=np.concatenate([labelled, np.zeros(others, dtype=bool)]),
        teacher=None if rows.teacher is None else _append_zeros(rows.teacher, others),
        task=np.repeat(np.arange(1 + len(tasks)), [len(rows), *counts]),
        subgroup=append_empty_names(rows.subgroup, others),
        pair=append_empty_names(rows.pair, others),
        epoch=append_every_epoch(rows.epoch, others),
    )


def _append_zeros(matrix: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    return np.concatenate([matrix, np.zeros((rows, matrix.shape[1]))])
