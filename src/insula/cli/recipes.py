"""`insula recipes`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.complete import complete_recipe

if TYPE_CHECKING:
    from insula.training.recipe.recipe_costs import RecipeCost

INDENT = 12


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Recipe to print in full, as TOML.", metavar="NAME", show_default=False, autocompletion=complete_recipe
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the built-in recipes with their cost and scores, or print one as a starting point for your own.

    Times and scores come from the benchmarks of the unchanged recipe.

    **Examples**

        insula recipes
        insula recipes quick > my.toml
        insula train tweets --recipe my.toml
    """
    import dataclasses

    from insula.training.recipe.recipe import list_builtin_recipes, load_recipe
    from insula.training.recipe.recipe_costs import load_recipe_costs

    if name is not None:
        recipe = load_recipe(name)
        shown = json.dumps(recipe.model_dump(mode="json"), ensure_ascii=False) + "\n" if as_json else recipe.to_toml()
        typer.echo(shown, nl=False)
        return
    costs = load_recipe_costs()
    if as_json:
        listed = [
            {
                "name": known,
                "description": description,
                "measured": [dataclasses.asdict(cost) for cost in costs.get(known, ())],
            }
            for known, description in list_builtin_recipes().items()
        ]
        typer.echo(json.dumps(listed, ensure_ascii=False))
        return
    for known, description in list_builtin_recipes().items():
        typer.echo(f"{known:<{INDENT}}{description}")
        for line in [_format_cost(cost) for cost in costs.get(known, ())] or ["not measured"]:
            typer.echo(f"{'':<{INDENT}}{line}")


def _format_cost(cost: RecipeCost) -> str:
    from insula.core.sentences import pluralise
    from insula.evaluation.metrics.metric_names import get_metric_title
    from insula.evaluation.reports.readable import format_duration

    between = f" ({cost.low:.3f} to {cost.high:.3f})" if cost.low is not None and cost.high is not None else ""
    mean = "" if len(cost.seeds) == 1 else f", mean of {pluralise(len(cost.seeds), 'seed')}"
    base = f" with {cost.base}" if cost.base else ""
    return (
        f"{cost.data}{base}: {get_metric_title(cost.metric)} {cost.value:.3f}{between}{mean}; "
        f"{format_duration(cost.train_seconds)} for {pluralise(cost.rows, 'row')}"
    )
