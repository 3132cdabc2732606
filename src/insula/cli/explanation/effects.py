"""`insula explain --effect`."""

from __future__ import annotations

import json
from typing import Any

import typer

from insula.core.sentences import pluralise


def print_effects(data: str, names: str, model: Any, *, as_json: bool, quiet: bool, **reading: Any) -> None:
    """Measure the effects of features, separated by commas, over a file, and print them.

    reading  how the file is read, and the seed, as in `insula.measure_effects`
    """
    from insula.api.explanation import measure_effects
    from insula.cli.progress import show_progress
    from insula.explanation.effects.terminal import format_effects

    features = [name.strip() for name in names.split(",") if name.strip()]
    with show_progress(quiet) as progress:
        found = measure_effects(data, features, model, progress=progress, **reading)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        for number, one in enumerate(found.features):
            if number:
                typer.echo()
            for line in format_effects(one):
                typer.echo(line)
    if quiet:
        return
    if not as_json:
        typer.echo("effect: the feature alone changes; correlation: rows with it less rows without it", err=True)
    for sentence in found.warnings:
        typer.echo(sentence, err=True)
    if found.rejected:
        typer.echo(f"{pluralise(found.rejected, 'row')} not read; the first is {found.first_reject}", err=True)
