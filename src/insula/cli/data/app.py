"""`insula data list`, `insula data describe`, `insula data mask` and `insula data augment`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from insula.cli.data.augment import augment
from insula.cli.data.mask import mask
from insula.cli.options import add_column_options, data_argument
from insula.cli.program import App

app = App(
    help="List and describe data sets, mask personal data, and augment training rows.",
)
app.command("mask")(mask)
app.command("augment")(augment)
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("list")
def list_sets(as_json: Json = False) -> None:
    """List the built-in data sets."""
    import dataclasses

    from insula.api.data import list_data

    sets = list_data()
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(one) for one in sets], ensure_ascii=False))
        return
    for one in sets:
        typer.echo(f"{one.name:<12}{one.description}")
        typer.echo(f"{'':<12}{one.rows:,} rows; {', '.join(one.languages)}; {', '.join(one.labels)}; {one.licence}")
        if not one.available:
            typer.echo(f"{'':<12}not installed; install with: {one.install}")
    typer.echo("\nYou can also name a file, a folder of splits or a hub id: insula data describe messages.csv")


@app.command("describe")
@add_column_options()
def describe(
    source: Annotated[
        list[str],
        data_argument("Files, a folder with train/validation/test files, a built-in data set, or a hub id."),
    ],
    as_json: Json = False,
    *,
    data: dict[str, Any],
) -> None:
    """Describe a data set before training on it.

    Reports rows, languages, lengths, label balance, duplicates, conflicts, and which rows would be dropped and why.

    **Examples**

        insula data describe messages.csv --text message --label emotion
        insula data describe chats.csv --dialogue chat_id --turn number --speaker who
    """
    from insula.api.data import describe_data
    from insula.data.options import DataOptions

    found = describe_data(source, DataOptions.checked(**data))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    for line in found.format_lines():
        typer.echo(line)
