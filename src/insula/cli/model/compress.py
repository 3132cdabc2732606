"""`insula model compress`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.model.quantize import MaxLoss, Overwrite, Rows, print_compression
from insula.cli.options import Json, Model, Quiet, folder_option

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def parse_size(text: str) -> int:
    """Return the bytes of `12MB`, `8.5 MB`, `900kB`, `8MiB`. Raises `BadParameter` for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    if found is None or found[2].upper() not in _UNITS or not float(found[1]):
        raise typer.BadParameter(f"--max-size must be a number with a unit, such as 12MB. Got {text!r}.")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def compress(
    model: Model,
    output: Annotated[Path, folder_option("New model folder.")],
    max_size: Annotated[
        str, typer.Option("--max-size", help="Maximum size of the model folder, such as 12MB.", metavar="SIZE")
    ],
    max_loss: MaxLoss = 0.005,
    data: Rows = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Shrink a model to a given size with the least loss.

    Tries combinations of 8-bit and 4-bit weights and embedding tables and smaller vocabularies, each with calibration
    and thresholds chosen again, and measures them on validation rows. insula keeps the combination with the least
    loss within both limits; if none is within them, it writes nothing. A smaller vocabulary splits rare
    words into shorter pieces.

    **Examples**

        insula model compress -m runs/care --max-size 12MB -o runs/care-12
        insula model compress -m runs/care --max-size 8MB --max-loss 0.03 -o runs/care-8
    """
    from insula.api.model.compression import compress_model
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress

    with show_progress(quiet) as progress:
        found = compress_model(
            model,
            output,
            max_size=parse_size(max_size),
            max_loss=max_loss,
            data=data,
            overwrite=overwrite,
            command=get_command_line(),
            progress=progress,
        )
    if as_json:
        shown = {**found.smaller.to_dict(), "tried": [one.to_dict() for one in found.tried]}
        typer.echo(json.dumps(shown, ensure_ascii=False, allow_nan=False))
        return
    typer.echo(f"\n{'MB':>7}{'metric':>10}{'loss':>9}   * no other is smaller and better")
    for one in sorted(found.tried, key=lambda tried: -tried.bytes):
        metric = "–" if one.metric is None else f"{one.metric:.4f}"
        loss = "–" if one.loss["value"] is None else f"{one.loss['value']:.4f}"
        typer.echo(f"{one.bytes / 1e6:>7.1f}{metric:>10}{loss:>9} {'*' if one.on_front else ' '} {one.plan}")
    print_compression(found.smaller)
    typer.echo(f"front       {found.smaller.path / 'front.svg'}")
