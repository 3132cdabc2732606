"""`insula evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli import columns
from insula.cli.model import Model


def evaluate(
    source: Annotated[
        list[str],
        typer.Argument(help="Labelled rows: a file, several, a folder (its test split), a built-in set."),
    ],
    model: Model,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for metrics.json and report.html.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON to standard output.")] = False,
    text: columns.Text = None,
    label: columns.Label = None,
) -> None:
    """Measure a model on labelled rows.

    Columns are looked for as they were for training. Scores stand with and without rows whose text the model was
    trained on.

    [bold]Example[/bold]

      insula evaluate test.csv --model runs/care --output runs/care/on-test
    """
    from insula.api.evaluation import evaluate as run_evaluation
    from insula.cli.progress import TerminalProgress
    from insula.cli.words import say_metrics

    settings = columns.as_settings(text=text, label=label)
    result = run_evaluation(
        source[0] if len(source) == 1 else list(source),
        model,
        **settings,
        output=output,
        progress=TerminalProgress(),
    )
    if as_json:
        typer.echo(json.dumps(result.metrics, ensure_ascii=False, allow_nan=False))
        return
    say_metrics(result.metrics)
    if result.path is not None:
        typer.echo(f"report   {result.path / 'report.html'}")
