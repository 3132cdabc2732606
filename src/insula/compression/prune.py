"""Structured pruning of a trained model: the recipe for its recovery training, and the measurement of the result."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.compression.compressed_folder import COMPRESSION, build_compression_record, count_folder_bytes
from insula.compression.compression_data import CompressionData
from insula.compression.parity import measure_parity
from insula.core.errors import ModelFolderError, ParityError, RecipeError
from insula.core.files import write_json
from insula.core.locks import create_locked_folder
from insula.core.moved import moved_names
from insula.core.progress import Progress
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.evaluation.document import MetricsDocument
from insula.evaluation.metrics.metric_names import get_metric_title
from insula.inference.predictor import Predictor
from insula.models.folder import ModelFolder, open_folder, seal
from insula.models.networks.architectures import load_network
from insula.models.pruning import EncoderShape
from insula.training.families.encoder import EncoderOptions
from insula.training.families.registry import families
from insula.training.fitters.prune import compute_pruned_shape
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.run import Run
from insula.training.run_folder import OWN, RECORD, add_resume_hint
from insula.training.start_run import check_recipe, start_run

if not TYPE_CHECKING:
    __getattr__ = moved_names(__name__, {"Pruned": f"{__name__}:PruningResult"})


@dataclass(frozen=True)
class PruningResult:
    """A pruned and recovered model.

    run         the run of the recovery training, with the pruned model
    bytes       the size of its model folder; `bytes_before` that of the source model
    parameters  the number of parameters; `parameters_before` is None if the source folder does not record it
    kept        the indices of kept layers and heads, and the number of kept neurons per layer
    validation  loss and agreement against the source model, as `compression.parity.measure_parity`
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
        """Return the steps of pruning, as stored in `compression.json`."""
        return {
            "kept": self.kept,
            "parameters": self.parameters,
            "parameters_before": self.parameters_before,
            "validation": self.validation,
        }


def build_recovery_recipe(
    source: ModelFolder,
    data: DataOptions,
    *,
    layers: int | None,
    heads: float | None,
    width: float | None,
    epochs: float,
    overrides: Mapping[str, Any],
) -> Recipe:
    """Return the recipe that prunes a model and trains the pruned model with the original as its teacher.

    It is the recipe of the model with another base, a teacher, no frozen layers, and the same learning rate for the
    head; `overrides` are applied last. Raises `ModelFolderError` if the model is not an encoder with its trained
    weights, `RecipeError` if the parts to keep are invalid.
    """
    prunable = [name for name in families if families[name].prunes]
    if source.family not in prunable or not (source.path / "model.safetensors").exists():
        raise ModelFolderError(
            f"The model {str(source.path)!r} must be of family {' or '.join(map(repr, prunable))} with its trained "
            f"weights (model.safetensors). Got family {source.family!r}, backend {source.backend!r}. Choose a trained "
            "run that is not compressed and is stored with its base."
        )
    if layers is not None and layers < 1:
        raise RecipeError(f"The number of layers to keep must be at least 1. Got {layers}. Keep at least one.")
    for part, share in (("heads", heads), ("width", width)):
        if share is not None and not 0 < share <= 1:
            raise RecipeError(
                f"The {part} to keep must be a share above 0 and at most 1. Got {share:g}. Choose another share."
            )
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
        raise ModelFolderError(
            f"The model {place!r} can be pruned only as an encoder. Got model.name={recipe.model.name!r}. Leave it out."
        )
    # Raises before the teacher runs.
    compute_pruned_shape(EncoderShape.of(load_network(source.path).backbone), recipe.model)
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
) -> PruningResult:
    """Train with a `build_recovery_recipe` on the named data, measure the pruned model, and check its loss.

    Raises as `require_loss`. If a run at `output` is to be replaced only by a run that passes, the new run is first
    trained in a separate folder next to it, under the same name.
    """
    rows = CompressionData.of(load_dataset(names, recipe.data, seed=recipe.seed), source)
    folder = output
    # Stored in the run, so that a resumed run ends in the same way.
    afterwards: dict[str, Any] = {
        "made_from": str(source.path.absolute()),
        "max_loss": max_loss,
        "command": command,
    }
    if overwrite and max_loss is not None and (output / "model").exists():
        afterwards["output"] = str(output.resolve())
        folder = find_free_name(output.resolve(), "pruning") / output.name
    with _remove_if_empty(folder, afterwards):
        run = start_run(
            folder, names, check_recipe(recipe), overwrite=overwrite, command=command, afterwards=afterwards,
            progress=progress,
        )  # fmt: skip
        return _measure_and_check(run, source, rows, recipe.seed, afterwards)


def finish_pruned(run: Run, names: Sequence[str], afterwards: Mapping[str, Any]) -> PruningResult:
    """Finish a resumed recovery run as `prune` would have; `afterwards` is stored in the record of the run."""
    source, recipe = open_folder(afterwards["made_from"]), load_recipe(run.path / "recipe.toml")
    rows = CompressionData.of(load_dataset(names, recipe.data, seed=recipe.seed), source)
    with _remove_if_empty(run.path, afterwards):
        return _measure_and_check(run, source, rows, recipe.seed, afterwards)


@contextlib.contextmanager
def _remove_if_empty(folder: Path, afterwards: Mapping[str, Any]) -> Iterator[None]:
    """Remove the separate training folder afterwards if it is empty, because its run has replaced another."""
    try:
        yield
    finally:
        if "output" in afterwards:
            with contextlib.suppress(OSError):
                folder.parent.rmdir()


def _measure_and_check(
    run: Run, source: ModelFolder, rows: CompressionData, seed: int, afterwards: Mapping[str, Any]
) -> PruningResult:
    with add_resume_hint("train", run.path, run.path / RECORD):
        made = measure_pruned(run, source, rows, command=afterwards["command"], seed=seed)
    output = afterwards.get("output")
    return require_loss(made, afterwards["max_loss"], None if output is None else Path(output))


def measure_pruned(run: Run, source: ModelFolder, rows: CompressionData, *, command: str, seed: int) -> PruningResult:
    """Compare a finished recovery run with its source model on validation rows, and store the result in its folder."""
    texts = [example.input for example in rows.examples]
    before, after = (Predictor.load(folder).decide(texts) for folder in (source.path, run.model))
    model = run.document.model
    if model.parameters is None:
        raise ModelFolderError(f"The run {str(run.path)!r} does not record its number of parameters. Prune again.")
    made = PruningResult(
        run=run,
        bytes=0,
        bytes_before=count_folder_bytes(source.path),
        parameters=model.parameters,
        parameters_before=MetricsDocument.from_dict(source.metrics).model.parameters,
        kept=run.document.training["pruned"],
        validation=measure_parity(source.scheme, rows.gold, before, after, seed=seed),
    )
    folder = open_folder(run.model)
    write_json(run.model / COMPRESSION, build_compression_record(source, made.steps(), command=command))
    seal(run.model, family=folder.family, backend=folder.backend)
    return dataclasses.replace(made, bytes=count_folder_bytes(run.model))


def require_loss(made: PruningResult, max_loss: float | None, output: Path | None = None) -> PruningResult:
    """Return the pruned model, or raise `ParityError` if it lost more than `max_loss`.

    output  the run to replace, if the model was trained in a separate folder; else None

    A rejected run is kept next to the output, because training took time; the run at `output` is then unchanged.
    """
    found = made.validation
    lost = found["loss"]["value"]
    if max_loss is None or (lost is not None and lost <= max_loss):
        return made if output is None else dataclasses.replace(made, run=_replace_run(output, made.run))
    kept = find_free_name((output or made.run.path).absolute(), "refused")
    os.replace(made.run.path, kept)
    got = (
        "no value, because the metric is undefined on these rows"
        if lost is None
        else f"{lost:.4f}: {found['before']:.4f} before, {found['after']:.4f} after"
    )
    raise ParityError(
        f"The loss of {get_metric_title(found['metric'])} by pruning must be at most {max_loss:g} on {found['rows']:,} "
        f"validation rows. Got {got}. Keep more, train longer with --epochs, or allow more with --max-loss. The run is "
        f"kept as {str(kept)!r}."
    )


def find_free_name(run: Path, tail: str) -> Path:
    """Return an unused path next to the run: its name with `tail` appended, and a number if that exists."""
    tails = itertools.chain([tail], (f"{tail}-{number}" for number in itertools.count(2)))
    return next(place for one in tails if not (place := run.with_name(f"{run.name}-{one}")).exists())


def _replace_run(output: Path, run: Run) -> Run:
    """Move the run to `output`. Files there that do not belong to a run are kept."""
    with create_locked_folder(output):
        pass  # no other process writes there
    before = find_free_name(output, "before")
    if output.exists():
        os.replace(output, before)
    os.replace(run.path, output)
    for file in before.iterdir() if before.exists() else ():
        if file.name not in OWN:
            os.replace(file, output / file.name)
    shutil.rmtree(before, ignore_errors=True)
    return Run(output, run.document)
