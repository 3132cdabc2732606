"""`insula pretrain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.options import FileFormat, Header, Json, Quiet, Separator, TextAlone, folder_option


def pretrain(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files of unlabelled texts: plain lines, JSON Lines, CSV, Parquet and others.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="Encoder to start from: an alias, a folder or a hub id.", metavar="ENCODER"),
    ] = "minilm",
    output: Annotated[
        Path | None,
        folder_option("Folder of the new encoder. [default: encoders/FILE-ENCODER]"),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            help="File of evaluation texts to exclude from training. Can be repeated.",
            metavar="FILE",
        ),
    ] = None,
    text: TextAlone = None,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
    epochs: Annotated[
        float | None, typer.Option("--epochs", help="Passes over the texts. [default: 3]", metavar="N")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Texts per batch. [default: 64]", metavar="N")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Peak learning rate. [default: 0.0001]", metavar="RATE")
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens",
            help="Maximum length of a text in tokens; longer texts are truncated. [default: 128]",
            metavar="N",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Seed of all random choices. [default: 0]", metavar="N")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume", help="Resume an interrupted run in this folder. Takes no other options.", metavar="FOLDER"
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a pretrained encoder at --output.", rich_help_panel="Output"),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Continue the pretraining of an encoder on unlabelled texts, before it is trained on labels.

    The encoder learns to predict masked tokens. insula leaves out near-duplicates. The result is an ordinary encoder
    folder that a recipe uses as `model.base`.

    **Examples**

        insula pretrain comments.parquet --output encoders/ours --exclude test.csv
        insula train messages.csv --set model.base=encoders/ours
        insula pretrain --resume encoders/ours
    """
    from insula.api.pretraining import pretrain as run_pretraining
    from insula.api.pretraining import resume_pretraining
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress

    settings = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "max_tokens": max_tokens,
                "seed": seed}  # fmt: skip
    if (resume is None) == (not source):
        raise typer.BadParameter("The command needs files of texts, or --resume FOLDER. Pass one of them.")
    if resume is not None and (
        output
        or exclude
        or text
        or (format, separator, header) != (None, None, None)
        or overwrite
        or model != "minilm"
        or any(value is not None for value in settings.values())
    ):
        raise typer.BadParameter("--resume continues the run with its own options. Leave the other options out.")
    with show_progress(quiet) as progress:
        if resume is not None:
            run = resume_pretraining(resume, command=get_command_line(), progress=progress)
        else:
            run = run_pretraining(
                source or [],
                output,
                model=model,
                exclude=exclude or (),
                text=text,
                format=format,
                separator=separator,
                header=header,
                overwrite=overwrite,
                command=get_command_line(),
                progress=progress,
                **settings,
            )
    if as_json:
        typer.echo(json.dumps(run.facts, ensure_ascii=False, allow_nan=False))
        return
    perplexity = run.facts["perplexity"]
    typer.echo(f"perplexity on held-out texts   {perplexity['before']:,.1f} before, {perplexity['after']:,.1f} after")
    typer.echo(f"encoder  {run.path}")
    typer.echo(f"use      insula train DATA --set model.base={run.path}")
