"""`insula train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from insula.cli import columns


def train(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="A file, several, a folder with train/validation/test files, a built-in set (see: insula data list), "
            "or a hub id owner/name.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="A built-in recipe (see: insula recipes) or a TOML file.")
    ] = "standard",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the run. Default: runs/SOURCE-RECIPE.", show_default=False),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one option of the recipe: --set train.epochs=3", metavar="KEY=VALUE"),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="Go on with an interrupted run.", metavar="RUN")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a finished run at --output.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON to standard output.")] = False,
    text: columns.Text = None,
    label: columns.Label = None,
    kind: columns.Kind = None,
    scheme: columns.Scheme = None,
    label_names: columns.LabelNames = None,
    weight: columns.Weight = None,
    group: columns.Group = None,
) -> None:
    """Train a model, measure it, write a report.

    Columns are found by their usual names, the kind of labels is inferred, rows are split without leaks, thresholds
    and calibration are chosen on validation rows. The run holds the model folder, metrics.json and report.html.

    [bold]Examples[/bold]

      insula train messages.csv --text message --label emotion --output runs/care

      insula train tweets --recipe quick

      insula train tweets --recipe my.toml --set train.epochs=3 --set model.name=linear

      insula train --resume runs/care
    """
    from insula.api.training import resume_training
    from insula.api.training import train as run_training
    from insula.cli.progress import TerminalProgress
    from insula.cli.words import say_run
    from insula.training.recipe import parse_override

    if (resume is None) == (not source):
        raise typer.BadParameter("Name what to train on, or --resume RUN: exactly one of the two.")
    command = "insula " + " ".join(sys.argv[1:])
    progress = TerminalProgress()
    if resume is not None:
        run = resume_training(resume, command=command, progress=progress)
    else:
        data = columns.as_settings(
            text=text, label=label, kind=kind, scheme=scheme, label_names=label_names, weight=weight, group=group
        )
        overrides = {f"data.{name}": value for name, value in data.items()}
        overrides |= dict(parse_override(setting) for setting in settings or ())
        names = source or []
        run = run_training(
            names[0] if len(names) == 1 else names,
            recipe=recipe,
            overrides=overrides,
            output=output,
            overwrite=overwrite,
            command=command,
            progress=progress,
        )
    say_run(run, as_json=as_json)
