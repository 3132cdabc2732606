"""The options that say how rows are read, the same for every verb that reads labelled data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from insula.core.scheme import Kind as SchemeKind

PANEL = "Columns (found by their usual names where not given)"

Text = Annotated[
    str | None,
    typer.Option("--text", help="Column with the text.", metavar="COLUMN", rich_help_panel=PANEL),
]
Label = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        help="Column with the label; give it several times for one-hot or score columns.",
        metavar="COLUMN",
        rich_help_panel=PANEL,
    ),
]
Kind = Annotated[
    SchemeKind | None,
    typer.Option("--kind", help="What the labels are; inferred and said where not given.", rich_help_panel=PANEL),
]
Scheme = Annotated[
    str | None,
    typer.Option(
        "--scheme", help="A built-in label scheme, such as goemotions.", metavar="NAME", rich_help_panel=PANEL
    ),
]
LabelNames = Annotated[
    str | None,
    typer.Option(
        "--label-names",
        help="File that names numbered labels: one a line, or JSON.",
        metavar="FILE",
        rich_help_panel=PANEL,
    ),
]
Weight = Annotated[
    str | None,
    typer.Option("--weight", help="Column with example weights.", metavar="COLUMN", rich_help_panel=PANEL),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        help="Column (author, thread) whose rows stay on one side of a split.",
        metavar="COLUMN",
        rich_help_panel=PANEL,
    ),
]


def as_settings(**given: Any) -> dict[str, Any]:
    """Return the options that were given, as fields of the recipe's `data` section."""
    settings = {name: value for name, value in given.items() if value}
    if isinstance(label := settings.get("label"), list):
        settings["label"] = label[0] if len(label) == 1 else tuple(label)
    return settings
