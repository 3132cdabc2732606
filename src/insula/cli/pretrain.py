"""`insula pretrain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.options import Json, Quiet, TextAlone, folder_option


def pretrain(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files of unlabelled texts: lines, JSON Lines, CSV, Parquet ...", metavar="FILE", show_default=False
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="Encoder to begin with: an alias, a folder, a hub id.", metavar="ENCODER"),
    ] = "minilm",
    output: Annotated[
        Path | None,
        folder_option("Folder of the new encoder. [default: encoders/FILE-ENCODER]"),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            help="File of an evaluation set: its texts are not learnt from; may be given again.",
            metavar="FILE",
        ),
    ] = None,
    text: TextAlone = None,
    epochs: Annotated[float | None, typer.Option("--epochs", help="Passes over the texts. [default: 3]")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Texts a batch. [default: 64]")] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Highest rate. [default: 0.0001]")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", help="Longer texts are cut. [default: 128]")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of every random choice. [default: 0]")] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume", help="Go on with an interrupted pretraining, with nothing else to say.", metavar="FOLDER"
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a pretrained encoder at --output.", rich_help_panel="Output"),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Let an encoder go on learning from unlabelled texts, before it is trained on labels.

    Some tokens are hidden, and the encoder learns to tell them from the others. Near-duplicates are left out. The
    folder is an ordinary encoder, to be named as model.base.

    **Examples**

        insula pretrain comments.parquet --output encoders/ours --exclude test.csv
        insula train messages.csv --set model.base=encoders/ours
        insula pretrain --resume encoders/ours
    """
    from insula.api.pretraining import pretrain as run_pretraining
    from insula.api.pretraining import resume_pretraining
    from insula.cli.command import as_typed
    from insula.cli.progress import shown_progress

    settings = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "max_tokens": max_tokens,
                "seed": seed}  # fmt: skip
    if (resume is None) == (not source):
        raise typer.BadParameter("Name the files of texts, or --resume FOLDER: exactly one of the two.")
    if resume is not None and (
        output
        or exclude
        or text
        or overwrite
        or model != "minilm"
        or any(value is not None for value in settings.values())
    ):
        raise typer.BadParameter("--resume goes on exactly as it began: leave the other options out.")
    with shown_progress(quiet) as progress:
        if resume is not None:
            run = resume_pretraining(resume, command=as_typed(), progress=progress)
        else:
            run = run_pretraining(
                source or [],
                output,
                model=model,
                exclude=exclude or (),
                text=text,
                overwrite=overwrite,
                command=as_typed(),
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
