"""`insula trend`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.options import DisplayLanguage, Json
from insula.cli.store.options import STORE, Store

if TYPE_CHECKING:
    from insula.operations.monitoring.trend import Trend, TrendPoint

SHOWN = 3  # labels of a window


def trend(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of the stream. [default: the most recently updated stream]", metavar="STREAM", show_default=False
        ),
    ] = None,
    last: Annotated[int, typer.Option("--last", help="Number of newest windows to show.", metavar="N", min=1)] = 24,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help="Attribute to show separately by value. Can be repeated.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            help="Show only windows with this value of an attribute. Can be repeated.",
            metavar="NAME=VALUE",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Page (.html) for the trend. [default: print it]",
            metavar="FILE",
            show_default=False,
            rich_help_panel="Output",
        ),
    ] = None,
    display_language: DisplayLanguage = "en",
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Show the emotions in a monitored stream over time: windows with their most frequent labels, and alerts.

    Valence is the share of positive minus the share of negative messages.

    **Examples**

        insula trend
        insula trend --by topic --last 12
        insula trend --by topic --output trend.html
        insula trend /data/feed.jsonl --where topic=billing --json
    """
    from insula.api.monitoring import read_trend

    wanted = {}
    for one in where or ():
        attribute, is_there, value = one.partition("=")
        if not is_there:
            raise typer.BadParameter(f"--where must be NAME=VALUE, such as topic=billing. Got {one!r}.")
        wanted[attribute] = value
    found = read_trend(store, name, last=last, by=tuple(by or ()), where=wanted)
    if output is not None:
        from insula.operations.monitoring.trend_page import write_trend

        write_trend(output, found, language=display_language)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    elif output is not None:
        typer.echo(f"trend  {output}")
    else:
        _print_trend(found)


def _print_trend(trend: Trend) -> None:
    counts = ", ".join(f"{count:,} {kind}" for kind, count in trend.stream.counts.items() if count)
    typer.echo(f"{trend.stream.name}  ({counts or 'nothing yet'})")
    if trend.points:
        names = list(trend.points[0].attributes)
        widths = [max(len(name), *(len(point.attributes[name]) for point in trend.points)) for name in names]
        columns = "".join(f"{name:<{width}}  " for name, width in zip(names, widths, strict=True))
        typer.echo(f"{'window (UTC)':<18}{columns}{'messages':>9}  {'valence':>7}  {'not sure':>8}  labels")
        for point in trend.points:
            values = "".join(f"{point.attributes[name]:<{width}}  " for name, width in zip(names, widths, strict=True))
            typer.echo(f"{point.start:%Y-%m-%d %H:%M}  {values}{_describe(point)}")
    for alert in trend.alerts:
        until = "now" if alert.ended is None else f"{alert.ended:%Y-%m-%d %H:%M}"
        typer.echo(f"alert {alert.rule}: {alert.raised:%Y-%m-%d %H:%M} to {until}. {alert.reason}")


def _describe(point: TrendPoint) -> str:
    valence = "" if point.valence is None else f"{point.valence:+.2f}"
    top = sorted(point.labels.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    labels = "  ".join(f"{label} {count / point.messages:.0%}" for label, count in top)
    return f"{point.messages:>9,}  {valence:>7}  {point.abstained / point.messages:>8.0%}  {labels}"
