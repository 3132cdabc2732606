"""The options of what is printed, the same for every verb that works for a while."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel="Output")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress and no notes, the result alone.", rich_help_panel="Output"),
]
