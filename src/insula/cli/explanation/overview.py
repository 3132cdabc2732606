"""`insula explain --global`."""

from __future__ import annotations

import json
from typing import Any

import typer


def print_global_explanation(
    data: str | None, model: str, *, as_json: bool, quiet: bool, output: str | None, **how: Any
) -> None:
    """Explain a model over many rows, and print the result as lines or JSON.

    how  the other arguments of `api.explanation.explain_model`
    """
    from insula.api.explanation import explain_model
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress
    from insula.explanation.overview.terminal import format_global_explanation

    with show_progress(quiet) as progress:
        found = explain_model(data, model, **how, output=output, command=get_command_line(), progress=progress)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    for line in format_global_explanation(found):
        typer.echo(line)
    if output is not None:
        typer.echo(f"\npage     {output}")
