"""A model with fewer layers, heads and neurons: the recipe of its recovery training, and what came of it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.compression.compressed_folder import COMPRESSION, compression_record, folder_bytes
from insula.compression.compression_data import CompressionData
from insula.compression.parity import measure_parity
from insula.core.errors import ModelFolderError, ParityError, RecipeError
from insula.core.files import write_json
from insula.core.locks import exclusive_folder
from insula.core.progress import Progress
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.evaluation.document import MetricsDocument
from insula.evaluation.metrics.metric_names import metric_title
from insula.inference.predictor import Predictor
from insula.models.folder import ModelFolder, open_folder, seal
from insula.models.networks.architectures import load_network
from insula.models.pruning import EncoderShape
from insula.training.families.encoder import EncoderOptions
from insula.training.families.registry import families
from insula.training.fitters.prune import pruned_shape
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.run import Run
from insula.training.run_folder import OWN, RECORD, resume_hint
from insula.training.start_run import checked_recipe, start_run


@dataclass(frozen=True)
class Pruned:
    """A pruned and recovered model.

    run         the run of the recovery training; its model is the pruned one
    bytes       of its model folder; `bytes_before` of the one it was made from
    parameters  how many numbers it is made of; `parameters_before` None where that folder does not tell
    kept        numbers of the layers and their heads that were kept, and how many neurons of each
    validation  loss and agreement against the model before, as `compression.parity.measure_parity`
    """

    run: Run
    bytes: int
    bytes_before: int
    parameters: int
    parameters_before: int | None
    kept: dict[str, Any]
    validation: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"path": str(self.run.path), **self.steps(), "bytes": self.bytes, "bytes_before": self.bytes_before}

    def steps(self) -> dict[str, Any]:
        """Return what was done, as `compression.json` records it."""
        return {
            "kept": self.kept,
            "parameters": self.parameters,
            "parameters_before": self.parameters_before,
            "validation": self.validation,
        }


def recovery_recipe(
    source: ModelFolder,
    data: DataOptions,
    *,
    layers: int | None,
    heads: float | None,
    width: float | None,
    epochs: float,
    overrides: Mapping[str, Any],
) -> Recipe:
    """Return the recipe that prunes a model and trains the rest by its answers; `overrides` have the last word.

    It is the model's own recipe but for what it begins with, whom it learns from, and what suits a network that has
    learnt before: no layer is frozen, and its head learns no faster than the rest. Raises `ModelFolderError` where the
    model is none of family `encoder` with its trained weights, `RecipeError` where these parts cannot be kept.
    """
    prunable = [name for name in families if families[name].prunes]
    if source.family not in prunable or not (source.path / "model.safetensors").exists():
        raise ModelFolderError(
            f"The model {str(source.path)!r} must be one of family {' or '.join(map(repr, prunable))} with its trained "
            f"weights (model.safetensors). Got family {source.family!r}, run by {source.backend!r}. Name a trained run "
            "that was not made smaller before, nor kept beside its base."
        )
    if layers is not None and layers < 1:
        raise RecipeError(f"The layers to keep must be at least 1. Got {layers}. Keep more.")
    for part, share in (("heads", heads), ("width", width)):
        if share is not None and not 0 < share <= 1:
            raise RecipeError(f"The {part} to keep must be a share above 0 and at most 1. Got {share:g}. Name another.")
    place = str(source.path.absolute())
    chosen = {
        "model.base": place,
        "model.revision": None,
        "model.keep_layers": layers,
        "model.keep_heads": heads,
        "model.keep_width": width,
        "preparation.steps": list(source.preparation.steps),
        "train.epochs": epochs,
        "train.freeze_layers": 0,
        "train.head_rate_factor": 1.0,
        "adapter.method": "none",
        "distil.teachers": [place],
    }
    recipe = load_recipe(source.path / "recipe.toml", {**chosen, **overrides})
    if not isinstance(recipe.model, EncoderOptions):
        raise ModelFolderError(f"The model {place!r} can be pruned as an encoder alone. Leave model.name out.")
    pruned_shape(
        EncoderShape.of(load_network(source.path).backbone), recipe.model
    )  # raised before the teacher is asked
    return recipe if any(key.startswith("data.") for key in overrides) else recipe.model_copy(update={"data": data})


def prune(
    source: ModelFolder,
    names: Sequence[str | Path],
    recipe: Recipe,
    output: Path,
    *,
    max_loss: float | None,
    overwrite: bool,
    command: str,
    progress: Progress,
) -> Pruned:
    """Train by a `recovery_recipe` on the data of these names, measure, and return what is within `max_loss`.

    Raises what `require_loss` raises. Where a run at `output` is to be replaced, and only by one that passes, the new
    one is trained in a folder of its own next to it, under the same name.
    """
    rows = CompressionData.of(load_dataset(names, recipe.data, seed=recipe.seed), source)
    folder = output
    # Whoever resumes an interrupted run must end it as this would have been ended.
    afterwards: dict[str, Any] = {
        "made_from": str(source.path.absolute()),
        "max_loss": max_loss,
        "command": command,
    }
    if overwrite and max_loss is not None and (output / "model").exists():
        afterwards["output"] = str(output.resolve())
        folder = free_name(output.resolve(), "pruning") / output.name
    with _removed_if_empty(folder, afterwards):
        run = start_run(
            folder, names, checked_recipe(recipe), overwrite=overwrite, command=command, afterwards=afterwards,
            progress=progress,
        )  # fmt: skip
        return _ended(run, source, rows, recipe.seed, afterwards)


def finish_pruned(run: Run, names: Sequence[str], afterwards: Mapping[str, Any]) -> Pruned:
    """Do with a resumed recovery run what `prune` would have done, as its record says under `afterwards`."""
    source, recipe = open_folder(afterwards["made_from"]), load_recipe(run.path / "recipe.toml")
    rows = CompressionData.of(load_dataset(names, recipe.data, seed=recipe.seed), source)
    with _removed_if_empty(run.path, afterwards):
        return _ended(run, source, rows, recipe.seed, afterwards)


@contextlib.contextmanager
def _removed_if_empty(folder: Path, afterwards: Mapping[str, Any]) -> Iterator[None]:
    """Remove the folder around a run that was trained elsewhere, once that run has taken the place of another."""
    try:
        yield
    finally:
        if "output" in afterwards:
            with contextlib.suppress(OSError):
                folder.parent.rmdir()


def _ended(run: Run, source: ModelFolder, rows: CompressionData, seed: int, afterwards: Mapping[str, Any]) -> Pruned:
    with resume_hint("train", run.path, run.path / RECORD):
        made = measure_pruned(run, source, rows, command=afterwards["command"], seed=seed)
    output = afterwards.get("output")
    return require_loss(made, afterwards["max_loss"], None if output is None else Path(output))


def measure_pruned(run: Run, source: ModelFolder, rows: CompressionData, *, command: str, seed: int) -> Pruned:
    """Measure a finished recovery run against the model before, on validation rows, and write it into its folder."""
    texts = [example.input for example in rows.examples]
    before, after = (Predictor.load(folder).decide(texts) for folder in (source.path, run.model))
    model = run.document.model
    if model.parameters is None:
        raise ModelFolderError(f"The run {str(run.path)!r} does not state its number of parameters. Prune again.")
    made = Pruned(
        run=run,
        bytes=0,
        bytes_before=folder_bytes(source.path),
        parameters=model.parameters,
        parameters_before=MetricsDocument.from_dict(source.metrics).model.parameters,
        kept=run.document.training["pruned"],
        validation=measure_parity(source.scheme, rows.gold, before, after, seed=seed),
    )
    folder = open_folder(run.model)
    write_json(run.model / COMPRESSION, compression_record(source, made.steps(), command=command))
    seal(run.model, family=folder.family, backend=folder.backend)
    return dataclasses.replace(made, bytes=folder_bytes(run.model))


def require_loss(made: Pruned, max_loss: float | None, output: Path | None = None) -> Pruned:
    """Return the pruned model; `ParityError` where it lost more than `max_loss`.

    output  the run that it replaces, where it was trained elsewhere; None where it is in its place

    A rejected run is kept next to it, for it took time; what is at `output` is then left as it is.
    """
    found = made.validation
    lost = found["loss"]["value"]
    if max_loss is None or (lost is not None and lost <= max_loss):
        return made if output is None else dataclasses.replace(made, run=_in_place_of(output, made.run))
    kept = free_name((output or made.run.path).absolute(), "refused")
    os.replace(made.run.path, kept)
    got = (
        "no figure, for the metric is undefined on these rows"
        if lost is None
        else f"{lost:.4f}: {found['before']:.4f} before, {found['after']:.4f} after"
    )
    raise ParityError(
        f"The loss of {metric_title(found['metric'])} by pruning must be at most {max_loss:g} on {found['rows']:,} "
        f"validation rows. Got {got}. Keep more, train longer with --epochs, or allow more with --max-loss. What was "
        f"trained is kept as {str(kept)!r}."
    )


def free_name(run: Path, tail: str) -> Path:
    """Return a free name next to the run: its own with `tail` behind it, numbered where that is taken."""
    tails = itertools.chain([tail], (f"{tail}-{number}" for number in itertools.count(2)))
    return next(place for one in tails if not (place := run.with_name(f"{run.name}-{one}")).exists())


def _in_place_of(output: Path, run: Run) -> Run:
    """Put the run in the place of the one at `output`; what lies there and is no run's stays, as where a run begins."""
    with exclusive_folder(output):
        pass  # nobody else is at work there
    before = free_name(output, "before")
    if output.exists():
        os.replace(output, before)
    os.replace(run.path, output)
    for file in before.iterdir() if before.exists() else ():
        if file.name not in OWN:
            os.replace(file, output / file.name)
    shutil.rmtree(before, ignore_errors=True)
    return Run(output, run.document)
