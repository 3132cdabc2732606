"""`search`: search for the best recipe for a data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from insula.core.environment import require
from insula.core.errors import RecipeError
from insula.core.files import convert_output_errors
from insula.core.outputs import require_different, require_empty_or_kind
from insula.core.progress import Progress, choose_progress
from insula.data.dataset import Dataset
from insula.data.sources.sources import require_source
from insula.models.locate import RUNS
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.search.folder import SEARCH
from insula.training.start_run import TrainingSource, build_run_name, check_recipe, list_given_names, read_source

if TYPE_CHECKING:
    from insula.training.search.result import SearchResult


def search(
    source: TrainingSource,
    *,
    trials: int = 30,
    recipe: str | Path | Mapping[str, Any] | Recipe = "standard",
    space: str | Path | Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    text: str | None = None,
    label: str | tuple[str, ...] | None = None,
    output: str | Path | None = None,
    study: str | None = None,
    timeout: float | None = None,
    seed: int = 0,
    pruner: Literal["median", "hyperband", "none"] = "median",
    command: str = "",
    progress: Progress | None = None,
) -> SearchResult:
    """Try recipes on a data set; return the best and all trials. Each is scored on validation rows, never on test rows.

    source     as in `train`
    trials     number of trials in total; called again with the same output, the search continues up to this number
    recipe     the recipe to start from; options outside the space stay as they are
    space      the search space: a TOML file, or a mapping of dotted keys to `{"choices": [...]}` or
               `{"low": ..., "high": ..., "log": True}`; default that of the model family, without keys in `overrides`
    overrides, text, label   as in `train`
    output     folder of the search, whose name is also that of the study; default `runs/search-SOURCE-RECIPE`
    study      URL of a database that other machines may share, such as `postgresql://host/name`; default a SQLite
               file in `output`
    timeout    minutes after which no further trial starts
    seed       seed of the search; the recipe has the seed of training
    pruner     stops trials early that are worse than the median of the others at that point, or by Hyperband (Li et
               al. 2018); families that do not train in steps are never pruned
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Resume an interrupted search with the same call; its unfinished trial is repeated.
    Raises `DataError`, `RecipeError`, `OutputError`, `MissingFileError`, `UnknownNameError`, `MissingExtraError`.
    """
    require("optuna", extra="search", purpose="search for the best recipe")
    from insula.training.search.search import run_search
    from insula.training.search.space import build_default_space, read_space

    progress = choose_progress(progress)
    if trials < 1:
        raise RecipeError(f"A search needs at least 1 trial. Got {trials}. Raise the number of trials.")
    if pruner not in ("median", "hyperband", "none"):
        raise RecipeError(f"The pruner must be median, hyperband or none. Got {pruner!r}. Choose one of these.")
    fixed = {"data.text": text, "data.label": label}
    fixed = {key: value for key, value in fixed.items() if value is not None} | dict(overrides or {})
    if not isinstance(source, Dataset):
        require_source(source)
    # The search space belongs to one model: `by_rows` does not choose another one.
    start = check_recipe(load_recipe(recipe, fixed).model_copy(update={"by_rows": None}))
    if space is None:
        tried = {key: entry for key, entry in build_default_space(start).items() if key not in fixed}
    else:
        tried = dict(read_space(space, start, fixed))
        if both := [key for key in tried if key in fixed]:
            raise RecipeError(
                f"The option {both[0]!r} cannot be both in the search space and fixed. Remove it from one of them."
            )
    if not tried:
        raise RecipeError(
            "A search needs at least one option that is not fixed. All options of the search space are. Remove one "
            "from the fixed options, or choose another search space."
        )
    folder = Path(output) if output is not None else RUNS / f"search-{build_run_name(source, recipe)}"
    require_different(folder, *list_given_names(source))
    require_empty_or_kind(folder, SEARCH)
    with convert_output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    dataset, names = read_source(source, start, f"the search goes to {folder}", progress)
    progress.say(f"Trying {', '.join(tried)}.")
    with convert_output_errors(folder):
        return run_search(
            dataset,
            start,
            tried,
            folder,
            trials=trials,
            fixed=tuple(fixed),
            study=study,
            seconds=None if timeout is None else 60 * timeout,
            seed=seed,
            pruner=pruner,
            source=names,
            command=command,
            progress=progress,
        )
