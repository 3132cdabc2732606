"""The options that say how rows are read, the same for every verb that reads labelled data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Text = Annotated[str | None, typer.Option("--text", help="Column with the text.", rich_help_panel="Columns")]
Label = Annotated[
    list[str] | None,
    typer.Option("--label", help="Column with the label; several for one-hot labels.", rich_help_panel="Columns"),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="binary, single, multi, ordinal or dimensional; inferred and printed where not given.",
        rich_help_panel="Columns",
    ),
]
Scheme = Annotated[
    str | None,
    typer.Option("--scheme", help="A built-in label scheme, such as goemotions.", rich_help_panel="Columns"),
]
LabelNames = Annotated[
    str | None,
    typer.Option("--label-names", help="File that names numbered labels.", rich_help_panel="Columns"),
]
Weight = Annotated[str | None, typer.Option("--weight", help="Column with example weights.", rich_help_panel="Columns")]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        help="Column (author, thread) whose rows stay on one side of a split.",
        rich_help_panel="Columns",
    ),
]


def as_settings(**given: Any) -> dict[str, Any]:
    """Return the options that were given, as fields of the recipe's `data` section."""
    settings = {name: value for name, value in given.items() if value}
    if isinstance(label := settings.get("label"), list):
        settings["label"] = label[0] if len(label) == 1 else tuple(label)
    return settings
