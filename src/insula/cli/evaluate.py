"""`insula evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from insula.cli.options import CONVERSATION_COLUMNS, AnyModel, Json, Quiet, folder_option, with_columns
from insula.core.starter import STARTER


@with_columns("text", "label", "label_names", *CONVERSATION_COLUMNS)
def evaluate(
    source: Annotated[
        list[str],
        typer.Argument(
            help="Labelled rows: a file, several, a folder (its test split), a built-in set.",
            metavar="DATA",
            show_default=False,
        ),
    ],
    model: AnyModel = STARTER,
    output: Annotated[
        Path | None,
        folder_option("Folder for metrics.json and report.html; without it nothing is written."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    data: dict[str, Any],
) -> None:
    """Measure a model on labelled rows.

    Columns are looked for as they were for training. Rows whose text the model was trained on are counted, and the
    scores stand with and without them. The majority class, and the linear model that a run keeps, answer the same rows.

    **Examples**

        insula evaluate test.csv --model runs/care
        insula evaluate test.csv --model runs/care --output runs/care/on-test
        insula evaluate chats.csv --model runs/chats --dialogue chat_id --speaker who
    """
    from insula.api.evaluation import evaluate as run_evaluation
    from insula.cli.command import as_typed
    from insula.cli.progress import shown_progress
    from insula.cli.tables import say_metrics

    with shown_progress(quiet) as progress:
        result = run_evaluation(
            source,
            model,
            **data,
            output=output,
            command=as_typed(),
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(result.metrics, ensure_ascii=False, allow_nan=False))
        return
    say_metrics(result.document)
    if result.path is not None:
        typer.echo(f"\nreport   {result.path / 'report.html'}")
