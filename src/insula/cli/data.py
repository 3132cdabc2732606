"""`insula data list` and `insula data describe`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from insula.cli import columns

app = typer.Typer(help="Look at data before training on it.", no_args_is_help=True)


@app.command("list")
def list_sets(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the built-in data sets."""
    import dataclasses

    from insula.api.data import list_data

    sets = list_data()
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(one) for one in sets], ensure_ascii=False))
        return
    for one in sets:
        where = "" if one.available else f"   (not installed: {one.install})"
        typer.echo(f"{one.name:<12}{one.rows:>8,} rows   {', '.join(one.languages)}   {', '.join(one.labels)}{where}")
        typer.echo(f"{'':<12}{one.description}")
    typer.echo("\nAny file, folder of splits or hub id works as well: insula data describe messages.csv")


@app.command("describe")
def describe(
    source: Annotated[list[str], typer.Argument(help="A file, several, a folder of splits, a built-in set, a hub id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    text: columns.Text = None,
    label: columns.Label = None,
    kind: columns.Kind = None,
    scheme: columns.Scheme = None,
    label_names: columns.LabelNames = None,
    weight: columns.Weight = None,
    group: columns.Group = None,
) -> None:
    """Say what a data set holds: rows, languages, lengths, labels, duplicates, conflicts, what would be dropped.

    [bold]Example[/bold]

      insula data describe messages.csv --text message --label emotion
    """
    from insula.api.data import describe_data
    from insula.data.options import DataOptions

    settings = columns.as_settings(
        text=text, label=label, kind=kind, scheme=scheme, label_names=label_names, weight=weight, group=group
    )
    found = describe_data(source[0] if len(source) == 1 else list(source), DataOptions(**settings))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    for line in found.lines():
        typer.echo(line)
