"""The options of what is printed, the same for every verb that works for a while."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel="Output")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress and no notes, the result alone.", rich_help_panel="Output"),
]


def folder_option(help: str) -> Any:
    """Return `--output FOLDER`, for a verb that says what it writes there."""
    return typer.Option(
        "--output", "-o", help=help, metavar="FOLDER", show_default=False, rich_help_panel="Output"
    )  # fmt: skip
