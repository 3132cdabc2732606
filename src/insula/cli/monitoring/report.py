"""`insula report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.complete import complete_model
from insula.cli.options import DisplayLanguage, FileFormat, Header, Json, Quiet, Separator, TextAlone
from insula.core.sentences import pluralise

if TYPE_CHECKING:
    from insula.operations.reporting.report import GroupReport, MessageReport

SHOWN = 3  # labels of a group, and words of each side


def report(
    source: Annotated[
        str | None,
        typer.Argument(
            help="File of messages; - is standard input. [default: from --config]", metavar="FILE",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", metavar="MODEL", show_default=False, autocompletion=complete_model,
            help="A run (runs/care), a model folder, or the name of a run (care). [default: from --config, "
            "else starter]",
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", help="Column whose values are the groups, such as film.", metavar="NAME", show_default=False
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            "--window", help="Length of a window of time, such as 7d. [default: one with at most 24 windows]",
            metavar="SPAN", show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="TOML file with title, columns and advice.", metavar="FILE", show_default=False
        ),
    ] = None,
    text: TextAlone = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            help="Column with the time when the message was written. [default: detected from common column names]",
            metavar="COLUMN", show_default=False,
        ),
    ] = None,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Page (.html) or JSON (.json) for the report. [default: print a summary]",
            metavar="FILE", show_default=False, rich_help_panel="Output",
        ),
    ] = None,
    display_language: DisplayLanguage = "en",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Report the emotions in a file of messages: by group and over time, with the words behind them and quotes.

    Groups are the values of a column, such as films, courses or products. Advice of the settings is shown for a group
    if enough of its messages have one of the advice's labels. Personal data in quotes is masked; messages with signs of
    risk are named by their ids and not quoted.

    **Examples**

        insula report reviews.csv --by film --output report.html
        insula report answers.jsonl --config report.toml --output report.html --display-language zh
        insula report feed.jsonl --by topic --window 1d --json
    """
    from insula.api.report import report_messages
    from insula.cli.progress import show_progress

    with show_progress(quiet) as progress:
        found = report_messages(
            source, model, by=by, window=window, settings=config, text=text, time=time, input_format=format,
            separator=separator, header=header, output=output, language=display_language, progress=progress,
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    elif output is not None:
        typer.echo(f"report  {output}")
    else:
        _print_report(found)
    if found.at_risk and not quiet:
        typer.echo(
            f"{pluralise(len(found.at_risk), 'message')} with signs of risk, such as of suicide: let a person read "
            f"{', '.join(found.at_risk[:10])}.",
            err=True,
        )
    if found.rejected and not quiet:
        typer.echo(f"{pluralise(found.rejected, 'row')} rejected; {found.first_reject}.", err=True)


def _print_report(found: MessageReport) -> None:
    groups = [found.overall, *found.groups]
    width = max(len(group.name or "all") for group in groups)
    typer.echo(f"{found.settings.by or '':<{width}}  {'messages':>8}  {'valence':>7}  {'95% interval':>16}  labels")
    for group in groups:
        typer.echo(f"{group.name or 'all':<{width}}  {_describe(group)}")
    for group in groups:
        for side in group.sides:
            words = ", ".join(one.word for one in side.words[: 2 * SHOWN])
            if words:
                typer.echo(f"{group.name or 'all'}, {side.name}: {words}")
        for given in group.advice:
            typer.echo(f"{group.name or 'all'}, advice: {given.advice.text}")


def _describe(group: GroupReport) -> str:
    total, valence = group.total, group.total.measure_valence()
    shown, span = "", ""
    if valence.value is not None:
        shown, span = f"{valence.value:+.2f}", f"{valence.low:+.2f} to {valence.high:+.2f}"
    top = sorted(total.labels.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    labels = "  ".join(f"{label} {count / total.messages:.0%}" for label, count in top)
    return f"{total.messages:>8,}  {shown:>7}  {span:>16}  {labels}"
