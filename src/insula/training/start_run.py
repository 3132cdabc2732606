"""A run from a source that a person names: the output is guarded and locked, the data read, the recipe trained."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, RecipeError
from insula.core.files import absolute_names, output_errors
from insula.core.locks import exclusive_folder
from insula.core.outputs import require_different
from insula.core.progress import Progress
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.sources.sources import SourceName, names_in
from insula.evaluation.document import METRICS, MetricsDocument
from insula.models.locate import RUNS
from insula.training.families.registry import families
from insula.training.neural.processes import process_index
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.run import Run, train_as_worker, train_run
from insula.training.run_folder import (
    RECORD,
    RunRecord,
    read_record,
    require_replaceable_run,
    resume_hint,
    undone_if_rejected,
)

TrainingSource = SourceName | Dataset


def checked_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe with paths that mean the same everywhere; raises what its family rejects before training."""
    lasting = recipe.lasting()
    families[lasting.model.name].check(lasting.model)
    return lasting


def read_source(source: TrainingSource, recipe: Recipe, goal: str, progress: Progress) -> tuple[Dataset, Sequence[str]]:
    """Return the data set that a source names, and names that last; none for data in memory.

    goal  what happens with the data, for the progress: `the run goes to runs/care`
    """
    if isinstance(source, Dataset):
        dataset, names = source, tuple[str, ...]()
    else:
        names = absolute_names(source)
        progress.say(f"Reading {', '.join(map(str, source_names(source)))}; {goal}.")
        dataset = load_dataset(source, recipe.data, seed=recipe.seed)
    for note in dataset.notes:
        progress.say(note)
    return dataset, names


def start_run(
    folder: Path,
    source: TrainingSource,
    recipe: Recipe,
    *,
    overwrite: bool,
    track: Sequence[str] = (),
    command: str,
    afterwards: Mapping[str, Any] | None = None,
    progress: Progress,
) -> Run:
    """Train by a `checked_recipe` into a folder and return the finished run.

    afterwards  what the caller does with the finished run; it is recorded, for whoever resumes this one

    Where several processes train together, those that are not the first return it without metrics. Raises
    `OutputError` where the folder holds something to keep.
    """
    if process_index() > 0:
        data = source if isinstance(source, Dataset) else load_dataset(source, recipe.data, seed=recipe.seed)
        return train_as_worker(data, recipe, folder)
    require_different(folder, *source_names(source))
    with exclusive_folder(folder):
        require_replaceable_run(folder, overwrite=overwrite)
        dataset, names = read_source(source, recipe, f"the run goes to {folder}", progress)
        # Data in memory cannot be read again.
        hint = resume_hint("train", folder, folder / RECORD) if names else contextlib.nullcontext()
        with output_errors(folder), hint, undone_if_rejected(folder):
            return train_run(
                dataset, recipe, folder, source=names, command=command, track=track, afterwards=afterwards,
                progress=progress,
            )  # fmt: skip


def resume_run(run: str | Path, *, command: str, progress: Progress) -> tuple[Run, RunRecord]:
    """Resume an interrupted run from its last checkpoint; return it finished, and its record.

    A run that is finished but for what follows it is returned as it is. Raises `MissingFileError` where there is no
    such run, `DataError` where its data have changed or were in memory, `RecipeError` where it is finished.
    """
    folder = Path(run) if Path(run).is_dir() else RUNS / run
    record = read_record(folder, named=run)
    if process_index() > 0:
        recipe = load_recipe(folder / "recipe.toml")
        dataset = load_dataset(list(record.source), recipe.data, seed=recipe.seed)
        return train_as_worker(dataset, recipe, folder, resume=True), record
    with exclusive_folder(folder):
        return _resumed(folder, record, command, progress), record


def _resumed(folder: Path, record: RunRecord, command: str, progress: Progress) -> Run:
    if (folder / "model").is_dir() and (folder / METRICS).exists():
        if record.afterwards and not (folder / "model" / "compression.json").exists():
            return Run(folder, MetricsDocument.read(folder / METRICS))
        raise RecipeError(f"The run {str(folder)!r} is finished. Use it with --model {folder}, or train another.")
    if not record.source:
        raise DataError(f"The run {str(folder)!r} was trained from data in memory and cannot be resumed from here.")
    recipe = load_recipe(folder / "recipe.toml")
    progress.say(f"Resuming {folder}.")
    dataset = load_dataset(list(record.source), recipe.data, seed=recipe.seed)
    with output_errors(folder), resume_hint("train", folder, folder / RECORD):
        return train_run(
            dataset, recipe, folder, source=record.source, command=command, resume=True, track=record.track,
            progress=progress,
        )  # fmt: skip


def source_names(source: TrainingSource) -> Sequence[str | Path]:
    """Return the names that a source is made of; none for data in memory."""
    return () if isinstance(source, Dataset) else names_in(source)


def run_name(source: TrainingSource, recipe: Any) -> str:
    """Return what a run on a source by a recipe is called where nobody names it: `tweets-quick`."""
    if isinstance(source, Dataset):
        name = source.name
    else:
        name = Path(source_names(source)[0]).name.split(".")[0] or "run"
    return f"{name}-{Path(recipe).stem}" if isinstance(recipe, str | Path) else name


def free_folder(source: TrainingSource, recipe: Any) -> Path:
    """Make and return the folder of a run that nobody named: `runs/SOURCE-RECIPE`, numbered where that is taken."""
    wanted = run_name(source, recipe)
    for number in itertools.count(1):
        folder = RUNS / (wanted if number == 1 else f"{wanted}-{number}")
        with output_errors(folder):
            try:
                folder.mkdir(parents=True)  # made at once: another process may look for a free name, too
            except FileExistsError:
                continue
        break
    return folder
