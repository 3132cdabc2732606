"""`insula model`: the commands that turn a trained model into another."""

from __future__ import annotations

from insula.cli.model import bench, calibrate, cascade, compress, export, prune, quantize
from insula.cli.program import App

app = App(
    help="Make a trained model smaller or faster, export it, or choose its thresholds again.",
)
app.command("export")(export.export)
app.command("quantize")(quantize.quantize)
app.command("compress")(compress.compress)
app.command("prune")(prune.prune)
app.command("calibrate")(calibrate.calibrate)
app.command("cascade")(cascade.cascade)
app.command("bench")(bench.bench)
