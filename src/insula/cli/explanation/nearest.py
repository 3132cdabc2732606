"""`insula explain --nearest`."""

from __future__ import annotations

import json
from collections.abc import Sequence

import typer

from insula.core.model_input import TextOrInput


def print_nearest(inputs: Sequence[TextOrInput], model: str, data: str | None, *, as_json: bool, quiet: bool) -> None:
    """Print the training rows nearest to each text, as lines or JSON."""
    from insula.api.explanation import find_nearest
    from insula.cli.progress import show_progress
    from insula.explanation.nearest import describe_nearest, format_nearest

    with show_progress(quiet) as progress:
        several = find_nearest(inputs, model, data=data, progress=progress)
    for number, found in enumerate(several):
        if as_json:
            typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
            continue
        if number:
            typer.echo()
        for line in format_nearest(found):
            typer.echo(line)
    if not quiet and not as_json and several:
        typer.echo(describe_nearest(several[0]), err=True)
