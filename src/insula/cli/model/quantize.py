"""`insula model quantize`."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.options import Json, Model, Quiet, data_option, folder_option

if TYPE_CHECKING:
    from insula.compression.quantize import CompressedModel

Rows = Annotated[
    list[str] | None,
    data_option("Training data of the model. [default: as recorded in its run]"),
]
MaxLoss = Annotated[
    float,
    typer.Option(
        "--max-loss",
        help="Maximum drop in macro-F1 on validation rows (dimensional schemes: Pearson r).",
        metavar="LOSS",
        min=0,
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a model folder at --output.", rich_help_panel="Output")
]


class Weights(StrEnum):
    """Format of the weights of matrix products."""

    int8 = "int8"
    eight = "8bit"
    four = "4bit"


class TableBits(StrEnum):
    """Bits per value in embedding tables."""

    whole = "32"
    eight = "8"
    four = "4"


def quantize(
    model: Model,
    output: Annotated[Path, folder_option("New model folder.")],
    weights: Annotated[
        Weights,
        typer.Option(
            "--weights", help="int8: weights and activations, smaller and faster; 8bit, 4bit: weights only, smaller."
        ),
    ] = Weights.int8,
    tables: Annotated[TableBits, typer.Option("--tables", help="Bits per value in embedding tables.")] = (
        TableBits.eight
    ),
    max_loss: MaxLoss = 0.005,
    data: Rows = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Store a model's weights in fewer bits.

    Calibration and thresholds are chosen again on validation rows. The result must predict as before: the same scores
    for a text alone and in any batch, the same labels on 97% of validation rows (int8), macro-F1 within --max-loss.
    Otherwise nothing is written. The figures are in its parity.json.

    **Examples**

        insula model quantize -m runs/care -o runs/care-int8
        insula model quantize -m runs/care --weights 4bit --max-loss 0.01 -o runs/care-4bit
    """
    from insula.api.model.compression import quantize_model
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress

    with show_progress(quiet) as progress:
        made = quantize_model(
            model,
            output,
            weights=weights.value,
            tables=int(tables.value),  # type: ignore[arg-type]
            max_loss=max_loss,
            least_agreement=0.97 if weights is Weights.int8 else None,
            data=data,
            overwrite=overwrite,
            command=get_command_line(),
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(made.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    print_compression(made)


def print_compression(made: CompressedModel) -> None:
    """Print size, loss and agreement of a smaller model."""
    from insula.evaluation.metrics.metric_names import get_metric_title

    found = made.parity["validation"]
    typer.echo(f"\nsize        {made.bytes / 1e6:.1f} MB, {made.bytes_before / 1e6:.1f} MB before")
    typer.echo(
        f"{get_metric_title(found['metric']):<11} {format_figure(found['after'])}, "
        f"{format_figure(found['before'])} before, on {found['rows']:,} validation rows"
    )
    print_loss(found["loss"])
    if found["agreement"] is not None:
        typer.echo(f"agreement   {found['agreement']:.1%} of rows have the same labels")
    typer.echo(f"model       {made.path}")


def print_loss(loss: dict[str, float | None]) -> None:
    """Print a loss, with its interval if it has one."""
    between = f"  ({loss['low']:.4f} to {loss['high']:.4f})" if loss["low"] is not None else ""
    typer.echo(f"loss        {format_figure(loss['value'])}{between}")


def format_figure(value: float | None) -> str:
    """Return a figure for printing; a correlation with constant values is undefined."""
    return "undefined" if value is None else f"{value:.4f}"
