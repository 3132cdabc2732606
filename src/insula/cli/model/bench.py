"""`insula model bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.options import AnyModel, FileFormat, Header, Json, Quiet, Separator, TextAlone, data_option
from insula.core.starter import STARTER


def bench(
    model: AnyModel = STARTER,
    data: Annotated[
        list[str] | None,
        data_option(
            "Texts to measure with, labelled or not. [default: the training data of the run, else the built-in data "
            "sets]"
        ),
    ] = None,
    text: TextAlone = None,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
    rows: Annotated[int, typer.Option("--rows", help="Number of texts to use.", metavar="N", min=1)] = 1000,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="JSON file for the result, for `insula predict --bench FILE` and `load_model(MODEL, engine=FILE)`.",
            metavar="FILE",
            show_default=False,
            rich_help_panel="Output",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the fastest way to run a model on this machine.

    Measures backends, then thread counts, then batch sizes. Predictions do not depend on the choice, except for
    rounding.

    **Examples**

        insula model bench
        insula model bench -m runs/care
        insula model bench -m runs/care-int8 --data messages.csv -o engine.json
    """
    if not data and (text or (format, separator, header) != (None, None, None)):
        raise typer.BadParameter("--text, --format, --separator and --header need --data. Add it, or leave them out.")
    from insula.api.model.bench import bench_model
    from insula.cli.progress import show_progress

    with show_progress(quiet) as progress:
        found = bench_model(
            model, data=data, text=text, format=format, separator=separator, header=header, output=output, rows=rows,
            progress=progress,
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    typer.echo(f"\n{'backend':<10}{'threads':>8}{'tokens/batch':>16}{'rows/s':>12}")
    for trial in found.trials:
        engine = trial.engine
        mark = " <" if engine == found.engine else ""
        typer.echo(f"{engine.backend:<10}{engine.threads:>8}{engine.tokens:>16,}{trial.rows_per_second:>12,.1f}{mark}")
    chosen = found.engine
    typer.echo(f"\nbest     {chosen.backend}, {chosen.threads} threads, {chosen.tokens:,} tokens per batch")
    typer.echo(f"bulk     {found.rows_per_second:,.1f} rows/s")
    typer.echo(f"single   {found.one_text_ms:.2f} ms per text")
    if output is not None:
        typer.echo(f"result   {output}")
