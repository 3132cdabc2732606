"""`insula explain --score`."""

from __future__ import annotations

import json
from typing import Any

import typer

from insula.core.sentences import pluralise


def print_scores(
    source: str, model: Any, *, as_json: bool, quiet: bool, seed: int = 0, input_format: str | None
) -> None:
    """Score a file of explanations, and print the mean figures next to those of occlusion and a random ranking."""
    from insula.api.explanation import score_explanations
    from insula.cli.progress import show_progress

    with show_progress(quiet) as progress:
        found = score_explanations(source, model, seed=seed, input_format=input_format, progress=progress)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
        return
    typer.echo(f"{'':<22}comprehensiveness  sufficiency")
    for name, one in (("these explanations", found.own), ("occlusion", found.occlusion), ("random", found.random)):
        typer.echo(f"{name:<22}{one.comprehensiveness:>17.3f}  {one.sufficiency:>11.3f}")
    if quiet:
        return
    agreement = "" if found.agreement is None else f"; rank correlation with occlusion {found.agreement:.2f}"
    typer.echo(f"means of {pluralise(len(found.rows), 'explanation')}{agreement}", err=True)
    typer.echo("comprehensiveness: higher is better; sufficiency: lower is better", err=True)
