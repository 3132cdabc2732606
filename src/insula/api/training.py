"""`train` and `resume_training`: train a model on labelled messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from insula.core.errors import OutputError
from insula.core.progress import Progress, choose_progress
from insula.data.dataset import Dataset
from insula.data.sources.sources import require_source
from insula.training.neural.processes import count_processes, get_process_index
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.run import Run
from insula.training.start_run import TrainingSource, check_recipe, create_free_folder, resume_run, start_run


def train(
    source: TrainingSource,
    *,
    recipe: str | Path | Mapping[str, Any] | Recipe = "standard",
    overrides: Mapping[str, Any] | None = None,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    track: Sequence[str] = (),
    command: str = "",
    progress: Progress | None = None,
) -> Run:
    """Train a model and evaluate it; return the finished run.

    source     one or more files, a folder with train/validation/test files, a built-in data set (`tweets`,
               `reviews-zh`), a hub id, or a `Dataset`
    recipe     a built-in name, a TOML file, a mapping, or a `Recipe`
    overrides  dotted keys to values, such as `{"train.epochs": 1}`
    text, label   columns; short for the overrides `data.text` and `data.label`
    output     folder of the run; default `runs/SOURCE-RECIPE`, numbered if that exists
    overwrite  replace a run at `output`, finished or not
    track      trackers besides TensorBoard: `wandb`, `mlflow`
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Resume a run that was interrupted (Ctrl-C, a crash) with `resume_training`. Under `accelerate launch` or
    `torchrun` the processes train together; the first writes the run, the others return it without metrics.
    Raises `DataError`, `RecipeError`, `OutputError`, `MissingFileError`, `UnknownNameError`, `MissingExtraError`.
    """
    progress = choose_progress(progress)
    columns = {"data.text": text, "data.label": label}
    chosen = load_recipe(recipe, {**{k: v for k, v in columns.items() if v is not None}, **(overrides or {})})
    if not isinstance(source, Dataset):
        require_source(source)
    chosen = check_recipe(chosen)
    if output is None and count_processes() > 1:
        raise OutputError(
            "Training with several processes needs a shared output folder. Got none. Choose one with --output."
        )
    folder = Path(output) if output is not None else create_free_folder(source, recipe)
    return start_run(folder, source, chosen, overwrite=overwrite, track=track, command=command, progress=progress)


def resume_training(run: str | Path, *, command: str = "", progress: Progress | None = None) -> Run:
    """Resume an interrupted run from its last checkpoint; return it finished.

    Raises `MissingFileError` if there is no such run, `DataError` if its data has changed or was in memory,
    `RecipeError` if it is already finished.
    """
    finished, record = resume_run(run, command=command, progress=choose_progress(progress))
    if record.afterwards and get_process_index() == 0:
        from insula.compression.prune import finish_pruned

        return finish_pruned(finished, record.source, record.afterwards).run
    return finished
