"""`insula compare`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from insula.cli.complete import complete_model
from insula.cli.options import (
    CONVERSATION_COLUMNS,
    PANEL,
    READING_OPTIONS,
    Json,
    Quiet,
    add_column_options,
    data_option,
    folder_option,
)

if TYPE_CHECKING:
    from insula.evaluation.comparison_document import (
        ComparedSide,
        ComparisonDocument,
        LabelDifference,
        SliceDifference,
    )
    from insula.evaluation.result import Difference

WIDTH = 26
MAX_NAMES = 30


@add_column_options("text", "label", "label_names", *CONVERSATION_COLUMNS, *READING_OPTIONS)
def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Models A and B: runs, model folders or names of runs. With --against: the runs of model A, "
            "one per seed.",
            metavar="MODEL...",
            show_default=False,
            autocompletion=complete_model,
        ),
    ],
    against: Annotated[
        list[str] | None,
        typer.Option("--against", help="Run of model B. Repeat it once per seed.", metavar="MODEL"),
    ] = None,
    rows: Annotated[
        list[str] | None,
        data_option("Labelled rows, read as `insula evaluate` reads them. [default: the test rows of the first run]"),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            help="Column, such as author or thread, by which the headline metric is broken down. [default: as in "
            "training]",
            metavar="COLUMN",
            rich_help_panel=PANEL,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        folder_option("Folder for compare.json and compare.html. [default: write nothing]"),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    data: dict[str, Any],
) -> None:
    """Compare two models, or two groups of seeds, on the same rows.

    Differences are B minus A, with paired bootstrap intervals, by metric, label, length, language and group. The
    result includes McNemar's test and the texts that only one model gets right. insula leaves out rows whose text is in
    the training data of any of the models.

    **Examples**

        insula compare runs/a runs/b
        insula compare runs/a runs/b --data test.csv --output runs/a-and-b
        insula compare runs/a-0 runs/a-1 --against runs/b-0 --against runs/b-1
    """
    from insula.api.comparison import compare as run_comparison
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress
    from insula.core.sentences import pluralise

    if not against and len(models) != 2:
        raise typer.BadParameter(
            f"A comparison without --against needs two models. Got {pluralise(len(models), 'model')}. Pass two, or "
            "pass the models of B with --against."
        )
    a, b = (models, against) if against else (models[:1], models[1:])
    with show_progress(quiet) as progress:
        run = run_comparison(
            a, b, data=rows, **data, group=group, output=output, command=get_command_line(), progress=progress
        )
    if as_json:
        typer.echo(json.dumps(run.result, ensure_ascii=False, allow_nan=False))
        return
    for line in _format_lines(run.document):
        typer.echo(line)
    if run.path is not None:
        typer.echo(f"\nreport   {run.path / 'compare.html'}")


def _format_lines(document: ComparisonDocument) -> Iterator[str]:
    from insula.evaluation.metrics.metric_names import get_metric_title
    from insula.evaluation.reports.comparison_page import describe_verdict

    yield f"\nA  {_describe_side(document.a)}\nB  {_describe_side(document.b)}"
    yield f"\n{describe_verdict(document)}"
    yield from document.data.notes
    yield _format_row("", "A", "B", "B - A  (95% interval)")
    for name, found in document.metrics.items():
        yield _format_metric(get_metric_title(name), found)
    if test := document.mcnemar:
        p = "below 0.001" if test.p < 0.001 else f"{test.p:.3f}"
        yield f"\nOnly A is right on {test.only_a:,} rows, only B on {test.only_b:,}; McNemar p {p}"
    yield "\nPearson r by dimension" if document.scheme.is_dimensional else "\nF1 by label"
    for name, of_name in list(document.by_name.items())[:MAX_NAMES]:
        yield _format_metric(name, of_name)
    for dimension, slices in document.slices.items():
        if len(slices) > 1:
            yield f"\n{get_metric_title(document.headline)} by {dimension}"
            for one in slices:
                yield _format_metric(f"{one.name} ({one.rows:,})", one)


def _describe_side(side: ComparedSide) -> str:
    return ", ".join(model.path for model in side.models)


def _format_metric(title: str, found: Difference | LabelDifference | SliceDifference) -> str:
    from insula.cli.tables import format_difference

    return _format_row(title, _format_number(found.a), _format_number(found.b), format_difference(found.difference))


def _format_row(title: str, a: str, b: str, difference: str) -> str:
    return f"  {title:<{WIDTH}}{a:>9}{b:>9}   {difference}"


def _format_number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
