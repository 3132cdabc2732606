"""`insula runs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.options import Json

if TYPE_CHECKING:
    from insula.api.runs import RunSummary


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder with the runs.", metavar="FOLDER")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the training runs with data, recipe, score and date, newest first.

    The score is the headline metric on test rows, with its 95% interval. Scores on different data are not comparable;
    use `insula compare` to compare two runs on the same rows.

    **Examples**

        insula runs
        insula runs experiments --json
    """
    from insula.api.runs import list_runs

    found = list_runs(folder)
    if as_json:
        typer.echo(json.dumps([run.to_dict() for run in found], ensure_ascii=False, allow_nan=False))
        return
    if not found:
        typer.echo(f"There are no runs in {str(folder)!r}. Train one with: insula train DATA", err=True)
        return
    rows = [("run", "data", "recipe", "score", "date")]
    rows += [(run.path, run.data or "–", run.recipe or "–", _format_score(run), run.created[:10]) for run in found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _format_score(run: RunSummary) -> str:
    from insula.evaluation.metrics.metric_names import get_metric_title

    if run.state != "finished":
        return run.state
    if run.metric is None or run.value is None:
        return "–"
    interval = "" if run.low is None or run.high is None else f" ({run.low:.3f} to {run.high:.3f})"
    return f"{get_metric_title(run.metric)} {run.value:.3f}{interval}"
