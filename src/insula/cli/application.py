"""`insula app`: working examples to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from insula.cli.program import App

app = App(help="Start from a working example: a folder with settings, rules, messages and a command to run.")


@app.command("list")
def list_() -> None:
    """List the examples.

    **Examples**

        insula app list
    """
    from insula.api.application import list_applications

    for name in list_applications():
        typer.echo(name)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the example, such as customer-service.", metavar="NAME")],
    folder: Annotated[Path, typer.Argument(help="Folder to create.", metavar="FOLDER")],
) -> None:
    """Copy an example into a new folder; then start it with `python FOLDER/start.py`.

    **Examples**

        insula app new customer-service my-folder

        insula app new film-reviews films
    """
    from insula.api.application import create_application

    made = create_application(name, folder)
    typer.echo(f"Start it with: python {made / 'start.py'}")
    typer.echo(f"What to change: {made / 'README.md'}")
