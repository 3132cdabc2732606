"""`insula search`."""

from __future__ import annotations

import json
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from insula.cli.options import Json, Quiet, add_column_options, data_argument, folder_option, recipe_option

if TYPE_CHECKING:
    from insula.training.search.result import SearchResult

MAX_SHOWN_TRIALS = 5


class Pruner(StrEnum):
    """Rule that stops trials early."""

    median = "median"
    hyperband = "hyperband"
    none = "none"


@add_column_options()
def search(
    source: Annotated[
        list[str],
        data_argument("Files, a folder with train/validation/test files, a built-in data set, or a hub id."),
    ],
    trials: Annotated[int, typer.Option("--trials", "-n", help="Total number of trials.", metavar="N", min=1)] = 30,
    recipe: Annotated[str, recipe_option("Recipe to start from: built-in, or a TOML file.")] = "standard",
    space: Annotated[
        Path | None,
        typer.Option(
            "--space",
            help="TOML file with the search space. [default: the search space of the model family]",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Fix one option of the recipe. Can be repeated.", metavar="KEY=VALUE"),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study",
            help="Database that several machines share, such as postgresql://host/name. [default: a file in --output]",
            metavar="URL",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            help="Minutes after which no further trial starts. [default: no limit]",
            metavar="MINUTES",
            min=0,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option("--seed", help="Seed of the search. The training seed is set in the recipe.", metavar="N", min=0),
    ] = 0,
    pruner: Annotated[Pruner, typer.Option("--pruner", help="Rule that stops poor trials early.")] = Pruner.median,
    output: Annotated[
        Path | None,
        folder_option("Folder of the search; the study has the same name. [default: runs/search-DATA-RECIPE]"),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    data: dict[str, Any],
) -> None:
    """Search for the best recipe.

    Each trial trains with different values and is scored on validation rows, after its decision rule is chosen. No
    trial sees a test row. Run the command again with the same --output to resume an interrupted search or to add
    trials. Machines with the same --study and the same name of --output share the trials.

    **Examples**

        insula search tweets --recipe linear --trials 20
        insula search messages.csv --trials 30 --set train.epochs=2 --output runs/search-care
        insula search tweets --space my-space.toml --timeout 120
        insula train tweets --recipe runs/search-tweets-linear/recipe.toml
    """
    from insula.api.search import search as run_search
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress
    from insula.training.recipe.recipe import parse_override

    overrides = {f"data.{name}": value for name, value in data.items()}
    overrides |= dict(parse_override(setting) for setting in settings or ())
    with show_progress(quiet) as progress:
        found = run_search(
            source,
            trials=trials,
            recipe=recipe,
            space=space,
            overrides=overrides,
            output=output,
            study=study,
            timeout=timeout,
            seed=seed,
            pruner=pruner.value,
            command=get_command_line(),
            progress=progress,
        )
    if as_json:
        typer.echo((found.path / "search.json").read_text(encoding="utf-8"), nl=False)
    else:
        _print_result(found, source)


def _print_result(found: SearchResult, source: list[str]) -> None:
    from insula.evaluation.metrics.metric_names import get_metric_title

    ranked = sorted((trial for trial in found.trials if trial.value is not None), key=lambda trial: -(trial.value or 0))
    pruned = sum(trial.state == "pruned" for trial in found.trials)
    typer.echo(f"\n{len(found.trials)} trials, {pruned} pruned; {get_metric_title(found.metric)} on validation rows")
    for trial in ranked[:MAX_SHOWN_TRIALS]:
        between = f"  ({trial.low:.3f} to {trial.high:.3f})" if trial.low is not None and trial.high is not None else ""
        tried = ", ".join(f"{key} {_format_value(value)}" for key, value in trial.values.items())
        typer.echo(f"  {trial.value:.3f}{between}  trial {trial.number}: {tried}")
    if found.importance:
        shares = ", ".join(f"{key} {100 * share:.0f}%" for key, share in found.importance.items())
        typer.echo(f"\nimportance of the options: {shares}")
    typer.echo(f"\nrecipe   {found.recipe_file}")
    typer.echo(f"report   {found.report}")
    typer.echo(f"train    insula train {shlex.join(source)} --recipe {shlex.quote(str(found.recipe_file))}")


def _format_value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value) if not isinstance(value, str) else value
