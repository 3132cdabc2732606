"""`train` and `resume_training`: from a source of messages to a run."""

from __future__ import annotations

import contextlib
import itertools
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.api.interrupted import nothing_left_of_a_refusal, resumable
from insula.core.errors import DataError, MissingFileError, OutputError, RecipeError
from insula.core.files import lasting_names, output_errors
from insula.core.locks import LOCK, written_alone
from insula.core.progress import Progress, Silent
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.evaluation.document import METRICS, MetricsDocument
from insula.models.locate import RUNS
from insula.training.families.registry import families
from insula.training.neural.processes import process_count, process_index
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.run import Run, train_as_worker, train_run

Source = str | Path | Sequence[str | Path] | Dataset


def train(
    source: Source,
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
    """Train a model and measure it; return the finished run.

    source     a file, several, a folder with train/validation/test files, a built-in set (`tweets`, `reviews-zh`), a
               hub id, or a `Dataset`
    recipe     a built-in name, a TOML file, a mapping, or a `Recipe`
    overrides  dotted keys to values, such as `{"train.epochs": 1}`
    text, label   columns; short for the overrides `data.text` and `data.label`
    output     the run's folder; default `runs/SOURCE-RECIPE`, numbered where that is taken
    overwrite  replace a run that stands at `output`, finished or not
    track      who is told besides TensorBoard: `wandb`, `mlflow`

    A run that is interrupted (Ctrl-C, a crash) can be gone on with: `resume_training`. Under `accelerate launch` or
    `torchrun` the processes train together; the first writes the run, the others return it without metrics.
    Raises `DataError`, `RecipeError`, `OutputError`, `MissingFileError`, `UnknownNameError`, `MissingExtraError`.
    """
    progress = progress or Silent()
    columns = {"data.text": text, "data.label": label}
    chosen = load_recipe(recipe, {**{k: v for k, v in columns.items() if v is not None}, **(overrides or {})})
    chosen = checked(chosen)
    if output is None and process_count() > 1:
        raise OutputError("The output must be named where several processes train: each must know it. Add --output.")
    folder = Path(output) if output is not None else free_folder(source, recipe)
    return train_into(folder, source, chosen, overwrite=overwrite, track=track, command=command, progress=progress)


def checked(recipe: Recipe) -> Recipe:
    """Return the recipe with paths that mean the same everywhere; what its family refuses is told before it begins."""
    lasting = recipe.lasting()
    families[lasting.model.name].check(lasting.model)
    return lasting


def train_into(
    folder: Path,
    source: Source,
    recipe: Recipe,
    *,
    overwrite: bool,
    track: Sequence[str] = (),
    command: str,
    afterwards: Mapping[str, Any] | None = None,
    progress: Progress,
) -> Run:
    """Train by a `checked` recipe into a folder, as `train` does.

    afterwards  what else is to be done with the finished run; it is written down, for whoever goes on with this one
    """
    if process_index() > 0:
        data = source if isinstance(source, Dataset) else load_dataset(source, recipe.data, seed=recipe.seed)
        return train_as_worker(data, recipe, folder)
    with written_alone(folder):
        check_output(folder, overwrite)
        names = () if isinstance(source, Dataset) else lasting_names(source)
        if isinstance(source, Dataset):
            dataset = source
        else:
            given = [source] if isinstance(source, str | Path) else source
            progress.say(f"Reading {', '.join(map(str, given))}; the run goes to {folder}.")
            dataset = load_dataset(source, recipe.data, seed=recipe.seed)
        for note in dataset.notes:
            progress.say(note)
        # Data in memory cannot be read again.
        going_on = resumable("train", folder, folder / "run.json") if names else contextlib.nullcontext()
        with output_errors(folder), going_on, nothing_left_of_a_refusal(folder):
            return train_run(
                dataset, recipe, folder, source=names, command=command, track=track, afterwards=afterwards,
                progress=progress,
            )  # fmt: skip


def resume_training(run: str | Path, *, command: str = "", progress: Progress | None = None) -> Run:
    """Go on with an interrupted run from its last checkpoint; return it finished.

    Raises `MissingFileError` where there is no such run, `DataError` where its data has changed or it was trained from
    data in memory, `RecipeError` where it is finished already.
    """
    progress = progress or Silent()
    folder = Path(run) if Path(run).is_dir() else RUNS / run
    begun = _begun(folder, run)
    if process_index() > 0:
        recipe = load_recipe(folder / "recipe.toml")
        return train_as_worker(load_dataset(begun.source, recipe.data, seed=recipe.seed), recipe, folder, resume=True)
    with written_alone(folder):
        finished = _resumed(folder, begun, command, progress)
    if begun.afterwards:
        from insula.api.pruning import finish_pruned

        return finish_pruned(finished, begun.source, begun.afterwards).run
    return finished


@dataclass(frozen=True)
class _Begun:
    """What an interrupted run was begun with: its data, who is told about it, what follows when it is finished."""

    source: list[str]
    track: list[str]
    afterwards: dict[str, Any]


def _resumed(folder: Path, begun: _Begun, command: str, progress: Progress) -> Run:
    if (folder / "model").is_dir() and (folder / METRICS).exists():
        if begun.afterwards and not (folder / "model" / "compression.json").exists():
            return Run(folder, MetricsDocument.read(folder / METRICS))
        raise RecipeError(f"The run {str(folder)!r} is finished. Use it with --model {folder}, or train another.")
    if not begun.source:
        raise DataError(f"The run {str(folder)!r} was trained from data in memory and cannot be resumed from here.")
    recipe = load_recipe(folder / "recipe.toml")
    progress.say(f"Going on with {folder}.")
    dataset = load_dataset(begun.source, recipe.data, seed=recipe.seed)
    with output_errors(folder), resumable("train", folder, folder / "run.json"):
        return train_run(
            dataset, recipe, folder, source=begun.source, command=command, resume=True, track=begun.track,
            progress=progress,
        )  # fmt: skip


def _begun(folder: Path, named: str | Path) -> _Begun:
    file = folder / "run.json"
    if not file.exists():
        raise MissingFileError(f"There is no run to go on with at {str(named)!r}: it has no run.json. Check the path.")
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        return _Begun(
            [str(one) for one in state["source"]],
            [str(one) for one in state.get("track", [])],
            dict(state.get("afterwards", {})),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"The file {str(file)!r} is damaged, so this run cannot go on. Train anew with --overwrite."
        ) from error


def source_name(source: Source, recipe: Any) -> str:
    """Return what a run on a source by a recipe is called where nobody names it: `tweets-quick`."""
    if isinstance(source, Dataset):
        name = source.name
    else:
        first = source if isinstance(source, str | Path) else source[0]
        name = Path(first).name.split(".")[0] or "run"
    return f"{name}-{Path(recipe).stem}" if isinstance(recipe, str | Path) else name


def free_folder(source: Source, recipe: Any) -> Path:
    """Make and return the folder of a run that nobody named: `runs/SOURCE-RECIPE`, numbered where that is taken."""
    wanted = source_name(source, recipe)
    for number in itertools.count(1):
        folder = RUNS / (wanted if number == 1 else f"{wanted}-{number}")
        with output_errors(folder):
            try:
                folder.mkdir(parents=True)  # made at once: another process may look for a free name, too
            except FileExistsError:
                continue
        break
    return folder


def check_output(folder: Path, overwrite: bool) -> None:
    """Raise `OutputError` where a folder holds other files, or a run to keep: finished or with a checkpoint."""
    if (folder / "model").exists() and not overwrite:
        raise OutputError(
            f"The output {str(folder)!r} holds a finished run. Choose another name, or replace it with --overwrite."
        )
    if not overwrite and _has_come_far(folder):
        raise OutputError(
            f"The output {str(folder)!r} holds an unfinished run with a checkpoint. Go on with it: insula train "
            f"--resume {shlex.quote(str(folder))}; or begin anew with --overwrite."
        )
    others = [entry for entry in folder.iterdir() if entry.name != LOCK]
    if others and not (folder / "run.json").exists():
        # A run clears its own reports and logs when it begins: never those of something else.
        raise OutputError(f"The output {str(folder)!r} holds other files and is no run. Choose another name.")


def _has_come_far(folder: Path) -> bool:
    """True where an unfinished run can be gone on with from a checkpoint: hours of work may lie in it."""
    if not any((folder / "checkpoints").glob("checkpoint-*")):
        return False
    try:
        return bool(_begun(folder, folder).source)
    except (DataError, MissingFileError):
        return False
