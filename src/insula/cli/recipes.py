"""`insula recipes`."""

from __future__ import annotations

from typing import Annotated

import typer


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="Print this recipe in full, as TOML.", metavar="NAME", show_default=False)
    ] = None,
) -> None:
    """List the built-in recipes, or print one as a start for your own.

    **Examples**

        insula recipes
        insula recipes quick > my.toml
        insula train tweets --recipe my.toml
    """
    from insula.training.recipe import builtin_recipes, load_recipe

    if name is not None:
        typer.echo(load_recipe(name).to_toml(), nl=False)
        return
    for known, description in builtin_recipes().items():
        typer.echo(f"{known:<12}{description}")
