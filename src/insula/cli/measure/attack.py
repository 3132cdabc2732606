"""`insula attack`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from insula.cli.options import (
    READING_OPTIONS,
    AnyModel,
    DisplayLanguage,
    Json,
    Quiet,
    add_column_options,
    data_argument,
)
from insula.core.sentences import pluralise
from insula.core.starter import STARTER

SHOWN = 5


@add_column_options("text", "label", "label_names", *READING_OPTIONS)
def attack(
    source: Annotated[
        list[str],
        data_argument("Labelled rows: files, a folder (its test split), or a built-in data set."),
    ],
    model: AnyModel = STARTER,
    method: Annotated[
        str, typer.Option("--method", help="Units to change: characters or words.", metavar="METHOD")
    ] = "characters",
    rows: Annotated[
        int, typer.Option("--rows", min=1, help="Maximum number of rows, sampled with --seed.", metavar="N")
    ] = 300,
    queries: Annotated[
        int, typer.Option("--queries", min=2, help="Maximum number of queries (predicted texts) per row.", metavar="N")
    ] = 500,
    share: Annotated[
        float, typer.Option("--share", help="Maximum share of the words of a text to change.", metavar="SHARE")
    ] = 0.3,
    meaning: Annotated[
        float | None,
        typer.Option(
            "--meaning",
            help="Minimum similarity of a changed text to the original by the bilingual encoder, such as 0.9.",
            metavar="SHARE",
            show_default="not compared",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Random seed.", metavar="N")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Page (.html) or JSON file (.json) for the result. [default: write nothing]",
            metavar="FILE",
            show_default=False,
            rich_help_panel="Output",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing output.", rich_help_panel="Output")
    ] = False,
    display_language: DisplayLanguage = "en",
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    data: dict[str, Any],
) -> None:
    """Attack a model: change texts that it predicts correctly until its prediction changes.

    The attack makes small changes that a reader hardly notices: typing errors in English, homophones and split
    characters in Chinese; or with --method words, synonyms from your WordNet and CC-CEDICT. It starts with the words
    that matter most, and uses only the scores of the model.

    **Examples**

        insula attack test.csv --model runs/care
        insula attack test.csv --model runs/care --rows 1000 --output attack.html
        insula attack 测试.csv --model runs/care --display-language zh --output attack.html
        insula attack test.csv --model runs/care --method words --queries 100 --json
    """
    from insula.api.augmentation import attack_model
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress
    from insula.evaluation.reports.attack_page import describe_attack
    from insula.evaluation.reports.readable import format_percent, format_span

    with show_progress(quiet) as progress:
        found = attack_model(
            source, model, method=method, rows=rows, queries=queries, share=share, meaning=meaning, seed=seed, **data,
            output=output, display_language=display_language, overwrite=overwrite, command=get_command_line(),
            progress=progress,
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    typer.echo(describe_attack(found))
    for name, interval in (("accuracy", found.accuracy), ("under attack", found.accuracy_under_attack)):
        typer.echo(f"{name:<14}{format_percent(interval.value)}  ({format_span(interval, format_percent)})")
    for pair in found.worst[:SHOWN]:
        typer.echo(f"\n{', '.join(pair.before) or 'nothing'} -> {', '.join(pair.after) or 'nothing'}")
        typer.echo(f"  {pair.text}\n  {pair.changed}")
    if len(found.worst) > SHOWN:
        typer.echo(f"\n{pluralise(len(found.worst) - SHOWN, 'more pair')} in --json and in --output.")
    if output is not None:
        typer.echo(f"\nresult   {output}")
