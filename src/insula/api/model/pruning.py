"""`prune_model`: remove layers, heads and neurons of an encoder, then distil the original into the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.core.environment import require
from insula.core.outputs import require_different, require_disjoint, require_outside
from insula.core.progress import Progress, choose_progress
from insula.data.sources.sources import SourceName, list_source_names
from insula.models.folder import open_folder
from insula.models.locate import locate_model
from insula.models.provenance import choose_training_source, read_recorded_options
from insula.training.run_folder import require_replaceable_run

if TYPE_CHECKING:
    from insula.compression.prune import PruningResult


def prune_model(
    model: str | Path,
    output: str | Path,
    *,
    layers: int | None = None,
    heads: float | None = None,
    width: float | None = None,
    epochs: float = 1,
    max_loss: float | None = None,
    data: SourceName | None = None,
    overrides: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    command: str = "",
    progress: Progress | None = None,
) -> PruningResult:
    """Remove the parts of an encoder that matter least; train the rest with the original as its teacher.

    model     a run, a model folder, or the name of a run, of family `encoder`, BERT-shaped, with its trained weights
    output    the folder of the recovery run, an ordinary run with the smaller model
    layers    number of layers kept; None for all
    heads     share of the attention heads kept in each layer, at least one; None for all
    width     share of the feed-forward neurons kept in each layer, a multiple of 8; None for all
    epochs    epochs of recovery training
    max_loss  largest loss of the headline metric on validation rows; None for no limit
    data      the training data, read as in training; default as recorded in the run
    overrides   dotted keys to values, over the recipe of the model
    overwrite   replace a run at `output`; with `max_loss`, only by a run within it
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    insula chooses the kept parts on training rows: heads and neurons by first-order Taylor importance (Michel et al.
    2019; Molchanov et al. 2019), layers by how much they change their input (Men et al. 2024). Raises `RecipeError` if
    nothing would be removed or a value is invalid, `LeakError` if the model was trained on rows of the evaluation,
    `ModelFolderError`, `DataError`, `MissingExtraError`, `OutputError`. Raises `ParityError` if the loss exceeds
    `max_loss`; the run is then kept next to `output`, with `-refused` added to its name.
    """
    require("torch", extra="train", purpose="prune a model")
    from insula.compression.prune import build_recovery_recipe, prune

    source, folder = open_folder(locate_model(model)), Path(output)
    require_outside(folder, source.path)
    require_disjoint(folder, source.path)
    require_different(folder, *list_source_names(data))
    require_replaceable_run(folder, overwrite=overwrite)
    recipe = build_recovery_recipe(
        source,
        read_recorded_options(source.path),
        layers=layers,
        heads=heads,
        width=width,
        epochs=epochs,
        overrides=overrides or {},
    )
    return prune(
        source,
        choose_training_source(source, data),
        recipe,
        folder,
        max_loss=max_loss,
        overwrite=overwrite,
        command=command,
        progress=choose_progress(progress),
    )
