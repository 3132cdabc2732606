"""`insula model export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.model.quantize import Overwrite
from insula.cli.options import AnyModel, folder_option
from insula.core.starter import STARTER


class Format(StrEnum):
    """Format to export to."""

    onnx = "onnx"
    huggingface = "huggingface"
    browser = "browser"


def export(
    output: Annotated[Path, folder_option("New folder for the exported model.")],
    model: AnyModel = STARTER,
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="onnx: a model folder without torch; huggingface: for transformers.pipeline; browser: a web page.",
        ),
    ] = Format.onnx,
    libraries: Annotated[
        Path,
        typer.Option(
            "--libraries",
            help="Folder with the installed npm packages; used only by --format browser.",
            metavar="FOLDER",
        ),
    ] = Path("node_modules"),
    overwrite: Overwrite = False,
) -> None:
    """Export a model for use elsewhere.

    `browser` writes a page that predicts in the browser and sends nothing anywhere. Put its files on any host, or view
    it with `python -m http.server -d FOLDER`. For the other formats, the scores of the result are compared with the
    model's own; if they differ, nothing is written. A Hugging Face folder has readable labels and the calibration in
    its weights; its README lists the text steps and thresholds, which the format cannot hold. It needs an encoder with
    first-token pooling, or GPT-2.

    **Examples**

        insula model export -m runs/care -o runs/care-onnx
        insula model export -m runs/care --format huggingface -o care-hf
        npm install onnxruntime-web@1.30.0 @huggingface/tokenizers@0.2.0
        insula model export --format browser -o page
    """
    from insula.api.model.export import export_model

    figures = export_model(model, output, format=format.value, libraries=libraries, overwrite=overwrite)
    if format is Format.browser:
        typer.echo(f"page     {output}, {figures['bytes'] / 1e6:.1f} MB with its libraries")
        return
    scores = figures["scores"]
    largest = max(scores.values()) if isinstance(scores, dict) else scores
    typer.echo(f"scores   within {largest:.1g} of the trained model's")
    typer.echo(f"folder   {output}")
