"""`insula model`: what is done with a trained model besides asking it."""

from __future__ import annotations

import typer

from insula.cli import quantize

app = typer.Typer(help="Make a trained model smaller.", no_args_is_help=True, rich_markup_mode="markdown")
app.command("quantize")(quantize.quantize)
