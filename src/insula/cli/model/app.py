"""`insula model`: the commands that turn a trained model into another."""

from __future__ import annotations

import typer

from insula.cli.model import bench, calibrate, cascade, compress, export, prune, quantize

app = typer.Typer(
    help="Make a trained model smaller or faster, export it, or choose its thresholds again.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.command("export")(export.export)
app.command("quantize")(quantize.quantize)
app.command("compress")(compress.compress)
app.command("prune")(prune.prune)
app.command("calibrate")(calibrate.calibrate)
app.command("cascade")(cascade.cascade)
app.command("bench")(bench.bench)
