"""`insula train`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from insula.cli.options import Json, Quiet, add_column_options, data_argument, folder_option, recipe_option


@add_column_options()
def train(
    source: Annotated[
        list[str] | None,
        data_argument(
            "Files, a folder with train/validation/test files, a built-in data set (`insula data list`), or a hub id."
        ),
    ] = None,
    recipe: Annotated[
        str,
        recipe_option("A built-in recipe (`insula recipes`) or a TOML file."),
    ] = "standard",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set one option of the recipe. Can be repeated.", metavar="KEY=VALUE"),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            help="Additional labelled data set, trained together with DATA through its own head. Can be repeated.",
            metavar="DATA",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", help="Resume an interrupted run. Takes no other options.", metavar="RUN"),
    ] = None,
    output: Annotated[
        Path | None,
        folder_option("Folder of the run. [default: runs/DATA-RECIPE]"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run at --output.", rich_help_panel="Output")
    ] = False,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            min=1,
            max=64,
            metavar="N",
            help="Number of training processes on this machine (one per GPU).",
        ),
    ] = 1,
    track: Annotated[
        list[str] | None,
        typer.Option(
            "--track", help="Also log to wandb or mlflow. Can be repeated.", metavar="NAME", rich_help_panel="Output"
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    data: dict[str, Any],
) -> None:
    """Train a model, evaluate it, and write a report.

    insula infers the kind of the labels, splits rows without leaks, chooses calibration and thresholds on validation
    rows, and compares the model with baselines on test rows. The run folder holds the model folder, metrics.json and
    report.html.

    **Examples**

        insula train messages.csv --text message --label emotion --output runs/care
        insula train tweets --recipe quick
        insula train tweets --recipe my.toml --set train.epochs=3
        insula train reviews-zh --recipe linear
        insula train messages.csv --also tweets --output runs/both
        insula train chats.csv --dialogue chat_id --turn number --speaker who
        insula train chats.jsonl --context history --target product
        insula train --resume runs/care
    """
    from insula.api.training import resume_training
    from insula.api.training import train as run_training
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress
    from insula.cli.tables import print_run
    from insula.training.neural.processes import count_processes, get_process_index, launch
    from insula.training.recipe.recipe import parse_override
    from insula.training.start_run import create_free_folder

    if (resume is None) == (not source):
        raise typer.BadParameter("The command needs DATA to train on, or --resume RUN. Pass one of them.")
    if resume is not None and (settings or also or output or overwrite or data or track or recipe != "standard"):
        raise typer.BadParameter("--resume continues the run with its own options. Leave the other options out.")
    if processes > 1 and count_processes() == 1:
        chosen = [] if output or resume else ["--output", str(create_free_folder(source or [], recipe))]
        raise typer.Exit(launch([*sys.argv[1:], *chosen], processes))
    with show_progress(quiet or get_process_index() > 0) as progress:
        if resume is not None:
            run = resume_training(resume, command=get_command_line(), progress=progress)
        else:
            overrides = {f"data.{name}": value for name, value in data.items()}
            overrides |= {"auxiliary.sources": also} if also else {}
            overrides |= dict(parse_override(setting) for setting in settings or ())
            run = run_training(
                source or [],
                recipe=recipe,
                overrides=overrides,
                output=output,
                overwrite=overwrite,
                track=track or (),
                command=get_command_line(),
                progress=progress,
            )
    if get_process_index() > 0:
        return
    if as_json:
        typer.echo(json.dumps(run.metrics, ensure_ascii=False, allow_nan=False))
    else:
        print_run(run)
