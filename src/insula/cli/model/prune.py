"""`insula model prune`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.model.quantize import Rows, format_figure, print_loss
from insula.cli.options import Json, Model, Quiet, folder_option

if TYPE_CHECKING:
    from insula.compression.prune import PruningResult


def prune(
    model: Model,
    output: Annotated[Path, folder_option("Folder of the recovery run.")],
    layers: Annotated[
        int | None,
        typer.Option(
            "--layers", help="Number of layers to keep. [default: all]", metavar="N", min=1, show_default=False
        ),
    ] = None,
    heads: Annotated[
        float | None,
        typer.Option(
            "--heads",
            help="Share of each layer's attention heads to keep. [default: all]",
            metavar="SHARE",
            show_default=False,
        ),
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(
            "--width",
            help="Share of each layer's feed-forward neurons to keep. [default: all]",
            metavar="SHARE",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[float, typer.Option("--epochs", help="Epochs of recovery training.", metavar="N")] = 1,
    max_loss: Annotated[
        float | None,
        typer.Option(
            "--max-loss",
            help="Maximum drop in macro-F1 on validation rows (dimensional schemes: Pearson r). With a larger "
            "drop the run is kept as OUTPUT-refused. [default: no limit]",
            metavar="LOSS",
            min=0,
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set one option of the model's recipe. Can be repeated.", metavar="KEY=VALUE"),
    ] = None,
    data: Rows = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run at --output.", rich_help_panel="Output")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Remove layers, attention heads and feed-forward neurons of an encoder, and train the rest.

    Removes what matters least on training rows: layers that change their input little, heads and neurons that hardly
    change the loss. The smaller model is then trained by the recipe of the original, with the original as its teacher.
    The result is an ordinary run; its compression.json records what was kept and the loss on validation rows.

    **Examples**

        insula model prune -m runs/care --layers 4 -o runs/care-4
        insula model prune -m runs/care --layers 4 --heads 0.75 --width 0.5 --epochs 2 -o runs/care-pruned
    """
    from insula.api.model.pruning import prune_model
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress
    from insula.training.recipe.recipe import parse_override

    with show_progress(quiet) as progress:
        made = prune_model(
            model,
            output,
            layers=layers,
            heads=heads,
            width=width,
            epochs=epochs,
            max_loss=max_loss,
            data=data,
            overrides=dict(parse_override(setting) for setting in settings or ()),
            overwrite=overwrite,
            command=get_command_line(),
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(made.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    _print_result(made)


def _print_result(made: PruningResult) -> None:
    from insula.evaluation.metrics.metric_names import get_metric_title

    kept, found = made.kept, made.validation
    before = "" if made.parameters_before is None else f", {made.parameters_before:,} before"
    typer.echo(f"\nlayers      {', '.join(map(str, kept['layers']))} of {kept['before']['layers']}, counted from 0")
    typer.echo(f"heads       {' '.join(str(len(one)) for one in kept['heads'])} per layer")
    typer.echo(f"width       {' '.join(map(str, kept['widths']))} per layer")
    typer.echo(f"parameters  {made.parameters:,}{before}")
    typer.echo(f"size        {made.bytes / 1e6:.1f} MB, {made.bytes_before / 1e6:.1f} MB before")
    typer.echo(
        f"{get_metric_title(found['metric']):<11} {format_figure(found['after'])}, "
        f"{format_figure(found['before'])} before, on {found['rows']:,} validation rows"
    )
    print_loss(found["loss"])
    if found["agreement"] is not None:
        typer.echo(f"agreement   {found['agreement']:.1%} of rows have the same labels")
    typer.echo(f"model       {made.run.model}")
    typer.echo(f"report      {made.run.report}")
