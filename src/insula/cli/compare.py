"""`insula compare`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from insula.cli.options import PANEL, Json, Quiet, folder_option, with_columns

WIDTH = 26
MOST_NAMES = 30


@with_columns("text", "label", "label_names")
def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Two models, A and B: runs, model folders or names of runs. With --against: all of them are A.",
            metavar="MODEL...",
            show_default=False,
        ),
    ],
    against: Annotated[
        list[str] | None,
        typer.Option("--against", help="A model of B; again for each further seed of it.", metavar="MODEL"),
    ] = None,
    rows: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            help="Labelled rows, read as by evaluate. [default: the test rows of the first run's own source]",
            metavar="DATA",
            show_default=False,
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            help="Column (author, thread) by which the headline is told, too; that of a run's training if not given.",
            metavar="COLUMN",
            rich_help_panel=PANEL,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        folder_option("Folder for compare.json and compare.html; without it nothing is written."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    data: dict[str, Any],
) -> None:
    """Compare two models, or two groups of seeds, on the same rows.

    Differences are B minus A, with paired bootstrap intervals: by metric, label, length, language and group, with
    McNemar's test and texts that only one of them has right. Rows whose text any of the models was trained on are left
    out.

    **Examples**

        insula compare runs/a runs/b
        insula compare runs/a runs/b --data test.csv --output runs/a-and-b
        insula compare runs/a-0 runs/a-1 --against runs/b-0 --against runs/b-1
    """
    from insula.api.comparison import compare as run_comparison
    from insula.cli.command import as_typed
    from insula.cli.progress import shown_progress

    if not against and len(models) != 2:
        raise typer.BadParameter(f"Name two models, or the second side with --against. Got {len(models)}.")
    a, b = (models, against) if against else (models[:1], models[1:])
    with shown_progress(quiet) as progress:
        run = run_comparison(a, b, data=rows, **data, group=group, output=output, command=as_typed(), progress=progress)
    if as_json:
        typer.echo(json.dumps(run.result, ensure_ascii=False, allow_nan=False))
        return
    for line in _lines(run.result):
        typer.echo(line)
    if run.path is not None:
        typer.echo(f"\npage     {run.path / 'compare.html'}")


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    from insula.evaluation.metrics.metric_names import metric_title
    from insula.evaluation.reports.comparison_page import verdict

    yield f"\nA  {_side(result['a'])}\nB  {_side(result['b'])}"
    yield f"\n{verdict(result)}"
    yield from result["data"]["notes"]
    yield _row("", "A", "B", "B - A  (95% interval)")
    for name, found in result["metrics"].items():
        yield _compared(metric_title(name), found)
    if test := result["mcnemar"]:
        p = "below 0.001" if test["p"] < 0.001 else f"{test['p']:.3f}"
        yield f"\nOnly A right: {test['only_a']:,} rows; only B right: {test['only_b']:,}; McNemar p {p}"
    what = "Pearson r by dimension" if result["scheme"]["kind"] == "dimensional" else "F1 by label"
    yield f"\n{what}"
    for name, found in list(result["by_name"].items())[:MOST_NAMES]:
        yield _compared(name, found)
    for cut, parts in result["slices"].items():
        if len(parts) > 1:
            yield f"\n{metric_title(result['headline'])} by {cut}"
            for part in parts:
                yield _compared(f"{part['name']} ({part['rows']:,})", part)


def _side(side: Mapping[str, Any]) -> str:
    return ", ".join(model["path"] for model in side["models"])


def _compared(title: str, found: Mapping[str, Any]) -> str:
    from insula.cli.tables import above

    return _row(title, _number(found["a"]), _number(found["b"]), above(found["difference"]))


def _row(title: str, a: str, b: str, difference: str) -> str:
    return f"  {title:<{WIDTH}}{a:>9}{b:>9}   {difference}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
