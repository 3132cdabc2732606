"""`prune_model`: a model with fewer layers, heads and neurons, trained on by the answers of the whole one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.core.environment import require
from insula.core.outputs import require_different, require_disjoint, require_outside
from insula.core.progress import Progress, Silent
from insula.data.sources.sources import SourceName, names_in
from insula.models.folder import open_folder
from insula.models.locate import locate_model
from insula.models.provenance import recorded_options, training_source
from insula.training.run_folder import require_replaceable_run

if TYPE_CHECKING:
    from insula.compression.prune import Pruned


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
) -> Pruned:
    """Drop the parts of an encoder that matter least, train the rest with the whole model as its teacher.

    model     a run, a model folder, or the name of a run, of family `encoder`, BERT-shaped, with its trained weights
    output    the folder of the recovery run; a run like any other, its model folder is the smaller one
    layers    how many are kept; None for all
    heads     share of the attention heads kept in each layer, at least one; None for all
    width     share of the feed-forward neurons kept in each layer, a multiple of 8; None for all
    epochs    of recovery training
    max_loss  by how much the headline metric on validation rows may fall; None for any, which is reported all the same
    data      where the rows are, if the model's own run does not say; read as it was for training
    overrides   dotted keys of a recipe to values, over the model's own recipe
    overwrite   replace a run at `output`; with `max_loss` only by a run that passes

    What is kept is chosen on training rows: heads and neurons by first-order Taylor importance (Michel et al. 2019;
    Molchanov et al. 2019), layers by how much they change their input (Men et al. 2024). Raises `RecipeError` where
    nothing would be dropped or the values are impossible, `LeakError` where the model saw rows that are measured on,
    `ModelFolderError`, `DataError`, `MissingExtraError`, `OutputError`. Raises `ParityError` where more than `max_loss`
    is lost: the run is then kept next to `output`, with `-refused` behind its name.
    """
    require("torch", extra="train", purpose="prune a model")
    from insula.compression.prune import prune, recovery_recipe

    source, folder = open_folder(locate_model(model)), Path(output)
    require_outside(folder, source.path)
    require_disjoint(folder, source.path)
    require_different(folder, *names_in(data))
    require_replaceable_run(folder, overwrite=overwrite)
    recipe = recovery_recipe(
        source,
        recorded_options(source.path),
        layers=layers,
        heads=heads,
        width=width,
        epochs=epochs,
        overrides=overrides or {},
    )
    return prune(
        source,
        training_source(source, data),
        recipe,
        folder,
        max_loss=max_loss,
        overwrite=overwrite,
        command=command,
        progress=progress or Silent(),
    )
