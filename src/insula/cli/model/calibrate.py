"""`insula model calibrate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from insula.cli.model.quantize import Overwrite, format_figure
from insula.cli.options import READING_OPTIONS, Json, Model, Quiet, add_column_options, data_option, folder_option

if TYPE_CHECKING:
    from insula.models.tokens.windows import Windows
    from insula.training.recalibrate import RecalibrationResult

_AS_TRAINED = "[default: as in training]"


@add_column_options("text", "label", "label_names", *READING_OPTIONS)
def calibrate(
    model: Model,
    output: Annotated[Path, folder_option("New model folder.")],
    rows: Annotated[
        list[str] | None,
        data_option(
            "Labelled rows to calibrate on: files, a folder, or a built-in data set. [default: the validation "
            "rows of the run]"
        ),
    ] = None,
    old_rows: Annotated[list[str] | None, typer.Option("--rows", hidden=True)] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            "--calibration",
            help=f"Calibration: auto, none, temperature, vector or isotonic. {_AS_TRAINED}",
            metavar="METHOD",
            show_default=False,
        ),
    ] = None,
    thresholds: Annotated[
        str | None,
        typer.Option(
            "--thresholds",
            help=f"Thresholds of multi-label models: auto, shrunk, expected, crossfit, pooled or half. {_AS_TRAINED}",
            metavar="METHOD",
            show_default=False,
        ),
    ] = None,
    class_offsets: Annotated[
        bool | None,
        typer.Option(
            "--class-offsets/--no-class-offsets",
            help=f"Favour rare labels, for a higher macro-F1 (models with one label per row). {_AS_TRAINED}",
            show_default=False,
        ),
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(
            "--coverage",
            help=f"Share of rows that get a label; the model abstains on the rest. {_AS_TRAINED}",
            metavar="SHARE",
            show_default=False,
        ),
    ] = None,
    windows: Annotated[
        str | None,
        typer.Option(
            "--windows",
            help="Pooling for texts longer than the model reads at once: none reads only their start; mean and "
            "max read them whole, in overlapping windows, and pool the logits. [default: as in the model]",
            metavar="POOLING",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    *,
    data: dict[str, Any],
) -> None:
    """Choose calibration, thresholds and abstention of a model again, without training.

    Use it if your messages have changed since training or come from another source (give labelled ones), or to change
    --coverage, --thresholds or --windows. The gain is measured on rows that were not used to choose.

    **Examples**

        insula model calibrate -m runs/care --data november.csv -o runs/care-november
        insula model calibrate -m runs/care --coverage 0.8 -o runs/care-80
        insula model calibrate -m runs/care --class-offsets -o runs/care-rare
        insula model calibrate -m runs/care --windows mean -o runs/care-long
    """
    from insula.api.model.calibration import calibrate_model
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress

    if old_rows:
        typer.echo("--rows is now called --data. The old name works until version 0.3.", err=True)
        rows = [*(rows or ()), *old_rows]
    if data and not rows:
        raise typer.BadParameter("Column options need --data. Add it, or leave the columns out.")
    with show_progress(quiet) as progress:
        made = calibrate_model(
            model,
            output,
            data=rows,
            **data,
            calibration=calibration,
            thresholds=thresholds,
            class_offsets=class_offsets,
            coverage=coverage,
            windows=cast("Windows | None", windows),
            overwrite=overwrite,
            command=get_command_line(),
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(made.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    _print_result(made)


def _print_result(made: RecalibrationResult) -> None:
    from insula.evaluation.metrics.metric_names import get_metric_meaning, get_metric_title

    found = made.figures
    typer.echo(
        f"\n{get_metric_title(found['metric']):<12}{format_figure(found['after'])}, "
        f"{format_figure(found['before'])} before, on {found['rows']:,} cross-fitted rows"
    )
    change = found["difference"]
    if change["low"] is not None:
        typer.echo(f"difference  {change['value']:+.4f}  ({change['low']:+.4f} to {change['high']:+.4f})")
    if found["calibration_error"] is not None:
        error = found["calibration_error"]
        typer.echo(f"ECE         {error['after']:.4f}, {error['before']:.4f} before: {get_metric_meaning('ece')}")
    if found["answered"] is not None:
        share = found["answered"]
        typer.echo(f"answered    {share['after']:.1%} of rows, {share['before']:.1%} before")
    typer.echo(f"model       {made.path}")
