"""`insula model cascade`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.model.quantize import MaxLoss, Overwrite, Rows, print_loss
from insula.cli.options import Json, Model, Quiet, folder_option


def cascade(
    model: Model,
    first: Annotated[
        str,
        typer.Option("--first", help="Fast model, which predicts the texts that it is sure of.", metavar="MODEL"),
    ],
    output: Annotated[Path, folder_option("New model folder.")],
    max_loss: MaxLoss = 0.005,
    data: Rows = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Combine a fast and an accurate model: the fast one predicts the texts that it is sure of.

    The accurate model predicts the rest. Both must have the same labels. A fast model that was distilled from the
    accurate one works best. The switch point sends as few texts as possible to the accurate model while macro-F1 on
    validation rows stays within --max-loss.

    **Examples**

        insula train data.csv --recipe static --set distil.teachers=runs/care -o runs/care-static
        insula model cascade -m runs/care --first runs/care-static -o runs/care-cascade
    """
    from insula.api.model.compression import cascade_model
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress
    from insula.evaluation.metrics.metric_names import get_metric_title

    with show_progress(quiet) as progress:
        made = cascade_model(
            first,
            model,
            output,
            max_loss=max_loss,
            data=data,
            overwrite=overwrite,
            command=get_command_line(),
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(made.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    found = made.parity["validation"]
    rows = f"{made.share:.0%} of {found['rows']:,} validation rows"
    typer.echo(f"\nfirst stage {rows}, {made.saved:.0%} of their length")
    typer.echo(
        f"{get_metric_title(found['metric']):<12}{found['after']:.4f}, {found['before']:.4f} of the good model alone"
    )
    print_loss(found["loss"])
    typer.echo(f"model       {output}")
