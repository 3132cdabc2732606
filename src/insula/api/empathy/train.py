"""`train_empathy`: a scorer of empathy of your own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.core.outputs import require_different
from insula.core.progress import Progress, choose_progress

if TYPE_CHECKING:
    from insula.empathy.scoring.training import TrainedScorer


def train_empathy(
    source: str | Path,
    *,
    output: str | Path,
    recipe: str | Path | Mapping[str, Any] = "multilabel",
    overrides: Mapping[str, Any] | None = None,
    message: str | None = None,
    reply: str | None = None,
    balance: float = 0.0,
    overwrite: bool = False,
    command: str = "",
    progress: Progress | None = None,
) -> TrainedScorer:
    """Train a scorer of empathy on pairs with levels, and measure it on test rows.

    source     a file with a message, a reply, and the columns `emotional_reaction`, `interpretation` and `exploration`,
               each 0, 1 or 2
    output     folder of the run: a model for `score_empathy`
    recipe, overrides  as in `train`; the labels are several per text (`multilabel`, `linear`, `quick`)
    message, reply  columns; default: detected from common column names
    balance    exponent b of the weights of training rows: the product over mechanisms of (rows / rows of the same
               level)^b; 0 weighs all rows equally, 0.5 gives rare levels more weight
    overwrite  replace a run at `output`

    Replies to one message stay on one side of the split. The run cannot be resumed. Raises `DataError`, `RecipeError`,
    `OutputError`, `MissingFileError`, `MissingExtraError`.
    """
    from insula.empathy.scoring.training import TrainedScorer, load_level_rows, measure_scorer
    from insula.inference.predictor import Predictor
    from insula.training.recipe.recipe import load_recipe
    from insula.training.run_folder import require_replaceable_run
    from insula.training.start_run import check_recipe, start_run

    require_different(output, source)
    require_replaceable_run(Path(output), overwrite=overwrite)
    shown = choose_progress(progress)
    chosen = load_recipe(recipe, overrides or {})
    data = load_level_rows(
        str(source),
        message=message,
        reply=reply,
        validation_fraction=chosen.data.validation_fraction,
        test_fraction=chosen.data.test_fraction,
        balance=balance,
        seed=chosen.seed,
    )
    run = start_run(Path(output), data, check_recipe(chosen), overwrite=overwrite, command=command, progress=shown)
    rows = data.split("test")
    return TrainedScorer(run, len(rows), measure_scorer(Predictor.load(run.path), rows))
