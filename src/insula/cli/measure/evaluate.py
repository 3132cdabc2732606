"""`insula evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from insula.cli.options import (
    CONVERSATION_COLUMNS,
    READING_OPTIONS,
    AnyModel,
    Json,
    Quiet,
    add_column_options,
    data_argument,
    folder_option,
)
from insula.core.starter import STARTER

MAPPED = "Rows with other labels than the model"


@add_column_options("text", "label", "label_names", *CONVERSATION_COLUMNS, *READING_OPTIONS)
def evaluate(
    source: Annotated[
        list[str],
        data_argument("Labelled rows: files, a folder (its test split), or a built-in data set."),
    ],
    model: AnyModel = STARTER,
    level: Annotated[
        str | None,
        typer.Option(
            "--level",
            help="Coarser level of the model's labels that the rows use, such as sentiment.",
            metavar="NAME",
            rich_help_panel=MAPPED,
        ),
    ] = None,
    label_map: Annotated[
        Path | None,
        typer.Option(
            "--map",
            help="TOML file that maps each label of the rows to labels of the model.",
            metavar="FILE",
            rich_help_panel=MAPPED,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        folder_option("Folder for metrics.json and report.html. [default: write nothing]"),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    data: dict[str, Any],
) -> None:
    """Evaluate a model on labelled rows.

    insula reads the columns that were used in training, unless you name others. It counts rows whose text is in the
    training data, and reports scores with and without them. The majority class and the run's linear baseline are
    scored on the same rows.

    **Examples**

        insula evaluate test.csv --model runs/care
        insula evaluate test.csv --model runs/care --output runs/care/on-test
        insula evaluate chats.csv --model runs/chats --dialogue chat_id --speaker who
        insula evaluate reviews.csv --level sentiment
        insula evaluate reviews.csv --map map.toml
    """
    from insula.api.evaluation import evaluate as run_evaluation
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress
    from insula.cli.tables import print_metrics

    with show_progress(quiet) as progress:
        result = run_evaluation(
            source,
            model,
            **data,
            level=level,
            label_map=label_map,
            output=output,
            command=get_command_line(),
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(result.metrics, ensure_ascii=False, allow_nan=False))
        return
    print_metrics(result.document)
    if result.path is not None:
        typer.echo(f"\nreport   {result.path / 'report.html'}")
