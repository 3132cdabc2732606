"""`prune_model`: a model with fewer layers, heads and neurons, trained on by the answers of the whole one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.api.compression import Source, refuse_itself
from insula.api.evaluation import recorded_options
from insula.api.interrupted import resumable
from insula.api.own_data import own_source
from insula.api.training import check_output, checked, train_into
from insula.core.extras import require
from insula.core.progress import Progress, Silent
from insula.data.load import load_dataset
from insula.models.folder import open_folder
from insula.models.locate import locate_model
from insula.training.recipe.recipe import load_recipe

if TYPE_CHECKING:
    from insula.compression.own_rows import OwnRows
    from insula.compression.prune import Pruned
    from insula.models.folder import ModelFolder
    from insula.training.run import Run


def prune_model(
    model: str | Path,
    output: str | Path,
    *,
    layers: int | None = None,
    heads: float | None = None,
    width: float | None = None,
    epochs: float = 1,
    max_loss: float | None = None,
    data: Source | None = None,
    overrides: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    command: str = "",
    progress: Progress | None = None,
) -> Pruned:
    """Drop the parts of an encoder that matter least, train the rest with the whole model as its teacher.

    model     a run, a model folder, or the name of a run, of family `encoder`, BERT-shaped, with its trained weights
    output    the folder of the recovery run; a run like any other, its model folder is the smaller one
    layers    how many are kept; None for all
    heads     share of the attention heads kept in each layer, at least one; None for all
    width     share of the feed-forward neurons kept in each layer, a multiple of 8; None for all
    epochs    of recovery training
    max_loss  by how much the headline metric on validation rows may fall; None for any, which is told all the same
    data      where the rows are, if the model's own run does not say; read as it was for training
    overrides   dotted keys of a recipe to values, over the model's own recipe
    overwrite   replace a run that stands at `output`; with `max_loss` by a run that passed only

    What is kept is chosen on training rows: heads and neurons by first-order Taylor importance (Michel et al. 2019;
    Molchanov et al. 2019), layers by how much they change their input (Men et al. 2024). Raises `RecipeError` where
    nothing would be dropped or the values are impossible, `LeakError` where the model saw rows that are measured on,
    `ModelFolderError`, `DataError`, `MissingExtraError`, `OutputError`. Raises `ParityError` where more than `max_loss`
    is lost: the run then stands beside `output`, with `-refused` behind its name.
    """
    require("torch", extra="train", purpose="prune a model")
    from insula.compression.own_rows import OwnRows
    from insula.compression.prune import free_name, recovery_recipe

    progress = progress or Silent()
    source, folder = open_folder(locate_model(model)), Path(output)
    refuse_itself(folder, source.path)
    recipe = recovery_recipe(
        source,
        recorded_options(source.path),
        layers=layers,
        heads=heads,
        width=width,
        epochs=epochs,
        overrides=overrides or {},
    )
    names = own_source(source, data)
    rows = OwnRows.of(load_dataset(names, recipe.data, seed=recipe.seed), source)
    # Whoever goes on with an interrupted run must end it as this would have been ended.
    afterwards: dict[str, Any] = {
        "made_from": str(source.path.absolute()),
        "max_loss": max_loss,
        "command": command,
    }
    if overwrite and max_loss is not None and (folder / "model").exists():
        # Only a run that passed replaces what stands there; it is trained elsewhere, under the same name.
        check_output(folder, overwrite)
        folder = folder.resolve()
        afterwards["output"] = str(folder)
        folder = free_name(folder, "pruning") / folder.name
    with _gone_if_empty(folder, afterwards):
        run = train_into(
            folder, names, checked(recipe), overwrite=overwrite, command=command, afterwards=afterwards,
            progress=progress,
        )  # fmt: skip
        return _told(run, source, rows, recipe.seed, afterwards)


def finish_pruned(run: Run, names: Sequence[str], afterwards: Mapping[str, Any]) -> Pruned:
    """Do with a resumed recovery run what `prune_model` would have done, as its `run.json` says under `afterwards`."""
    from insula.compression.own_rows import OwnRows

    source, recipe = open_folder(afterwards["made_from"]), load_recipe(run.path / "recipe.toml")
    rows = OwnRows.of(load_dataset(names, recipe.data, seed=recipe.seed), source)
    with _gone_if_empty(run.path, afterwards):
        return _told(run, source, rows, recipe.seed, afterwards)


@contextlib.contextmanager
def _gone_if_empty(folder: Path, afterwards: Mapping[str, Any]) -> Iterator[None]:
    """Take away the place in which a run was trained that is to replace another, once it is no longer there."""
    try:
        yield
    finally:
        if "output" in afterwards:
            with contextlib.suppress(OSError):
                folder.parent.rmdir()


def _told(run: Run, source: ModelFolder, rows: OwnRows, seed: int, afterwards: Mapping[str, Any]) -> Pruned:
    from insula.compression.prune import pass_loss_gate, tell_pruned

    with resumable("train", run.path, run.path / "run.json"):
        made = tell_pruned(run, source, rows, command=afterwards["command"], seed=seed)
    output = afterwards.get("output")
    return pass_loss_gate(made, afterwards["max_loss"], None if output is None else Path(output))
