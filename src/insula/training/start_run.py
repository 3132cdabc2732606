"""Starts or resumes a run from a named source: protects and locks the output, reads the data, trains."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, MissingExtraError, RecipeError
from insula.core.files import convert_output_errors, make_names_absolute
from insula.core.locks import create_locked_folder
from insula.core.outputs import require_different
from insula.core.progress import Progress
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.sources.sources import SourceName, list_source_names
from insula.evaluation.document import METRICS, MetricsDocument
from insula.models.locate import RUNS
from insula.training.families.registry import families
from insula.training.neural.processes import get_process_index
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.run import Run, train_as_worker, train_run
from insula.training.run_folder import (
    RECORD,
    RunRecord,
    add_resume_hint,
    read_record,
    require_replaceable_run,
    restore_if_rejected,
)

TrainingSource = SourceName | Dataset


def check_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe with absolute paths; raises the errors of its family that can be found before training.

    With `by_rows`, packages may be missing: `choose_by_rows` then takes a family that needs none.
    """
    absolute = recipe.with_absolute_paths()
    try:
        families[absolute.model.name].check(absolute.model)
    except MissingExtraError as error:
        if absolute.by_rows is not None:
            return absolute
        if families[absolute.model.name].extra is None:
            raise
        raise MissingExtraError(f"{error}; or train a linear model, which needs no extra: --recipe linear") from error
    return absolute


def read_source(source: TrainingSource, recipe: Recipe, goal: str, progress: Progress) -> tuple[Dataset, Sequence[str]]:
    """Return the data set of a source, and absolute names to read it again; none for data in memory.

    goal  a clause for the progress message: `the run goes to runs/care`
    """
    if isinstance(source, Dataset):
        dataset, names = source, tuple[str, ...]()
    else:
        names = make_names_absolute(source)
        progress.say(f"Reading {', '.join(map(str, list_given_names(source)))}; {goal}.")
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
    """Train with a `check_recipe` into a folder and return the finished run.

    afterwards  the step that the caller takes with the finished run; recorded so that a resumed run can take it too

    With several processes, all but the first return the run without metrics. Raises `OutputError` if the folder holds
    something to keep.
    """
    if get_process_index() > 0:
        data = source if isinstance(source, Dataset) else load_dataset(source, recipe.data, seed=recipe.seed)
        return train_as_worker(data, recipe, folder)
    require_different(folder, *list_given_names(source))
    with create_locked_folder(folder):
        require_replaceable_run(folder, overwrite=overwrite)
        dataset, names = read_source(source, recipe, f"the run goes to {folder}", progress)
        # Data in memory cannot be read again.
        hint = add_resume_hint("train", folder, folder / RECORD) if names else contextlib.nullcontext()
        with convert_output_errors(folder), hint, restore_if_rejected(folder):
            return train_run(
                dataset, recipe, folder, source=names, command=command, track=track, afterwards=afterwards,
                progress=progress,
            )  # fmt: skip


def resume_run(run: str | Path, *, command: str, progress: Progress) -> tuple[Run, RunRecord]:
    """Resume an interrupted run from its last checkpoint; return the finished run and its record.

    A run that is finished except for the step `afterwards` is returned as it is. Raises `MissingFileError` if there is
    no such run, `DataError` if its data have changed or were in memory, `RecipeError` if it is finished.
    """
    folder = Path(run) if Path(run).is_dir() else RUNS / run
    record = read_record(folder, named=run)
    if get_process_index() > 0:
        recipe = load_recipe(folder / "recipe.toml")
        dataset = load_dataset(list(record.source), recipe.data, seed=recipe.seed)
        return train_as_worker(dataset, recipe, folder, resume=True), record
    with create_locked_folder(folder):
        return _resume(folder, record, command, progress), record


def _resume(folder: Path, record: RunRecord, command: str, progress: Progress) -> Run:
    if (folder / "model").is_dir() and (folder / METRICS).exists():
        if record.afterwards and not (folder / "model" / "compression.json").exists():
            return Run(folder, MetricsDocument.read(folder / METRICS))
        raise RecipeError(f"The run {str(folder)!r} is finished. Use it with --model {folder}, or start a new run.")
    if not record.source:
        raise DataError(f"The run {str(folder)!r} was trained on data in memory and cannot be resumed. Train it again.")
    recipe = load_recipe(folder / "recipe.toml")
    progress.say(f"Resuming {folder}.")
    dataset = load_dataset(list(record.source), recipe.data, seed=recipe.seed)
    with convert_output_errors(folder), add_resume_hint("train", folder, folder / RECORD):
        return train_run(
            dataset, recipe, folder, source=record.source, command=command, resume=True, track=record.track,
            progress=progress,
        )  # fmt: skip


def list_given_names(source: TrainingSource) -> Sequence[str | Path]:
    """Return the names in a source; none for data in memory."""
    return () if isinstance(source, Dataset) else list_source_names(source)


def build_run_name(source: TrainingSource, recipe: Any) -> str:
    """Return the default name of a run on a source with a recipe: `tweets-quick`."""
    if isinstance(source, Dataset):
        name = source.name
    else:
        name = Path(list_given_names(source)[0]).name.split(".")[0] or "run"
    return f"{name}-{Path(recipe).stem}" if isinstance(recipe, str | Path) else name


def create_free_folder(source: TrainingSource, recipe: Any) -> Path:
    """Create and return the default folder of a run: `runs/SOURCE-RECIPE`, with a number if that exists."""
    wanted = build_run_name(source, recipe)
    for number in itertools.count(1):
        folder = RUNS / (wanted if number == 1 else f"{wanted}-{number}")
        with convert_output_errors(folder):
            try:
                folder.mkdir(parents=True)  # created at once: another process may choose the same name
            except FileExistsError:
                continue
        break
    return folder
