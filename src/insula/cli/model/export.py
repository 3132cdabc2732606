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
    """Where the model is to be used."""

    onnx = "onnx"
    huggingface = "huggingface"
    browser = "browser"


def export(
    output: Annotated[Path, folder_option("The new folder.")],
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
        typer.Option("--libraries", help="browser: where npm has put its libraries.", metavar="FOLDER"),
    ] = Path("node_modules"),
    overwrite: Overwrite = False,
) -> None:
    """Write a model for use elsewhere.

    A page predicts in the browser and sends nothing anywhere: put its files on any host, or look at it with
    `python -m http.server -d FOLDER`. Of the other formats, the scores of the result are compared with the model's own;
    where they differ, nothing is written. A Hugging Face folder has readable labels and the calibration in its weights;
    text steps and thresholds have no place in it and are told in its README. Only encoders with first-token pooling,
    and GPT-2, are computed by a class of transformers.

    **Examples**

        insula model export -m runs/care -o runs/care-onnx
        insula model export -m runs/care --format huggingface -o care-hf
        npm install onnxruntime-web@1.30.0 @huggingface/tokenizers@0.2.0
        insula model export --format browser -o page
    """
    from insula.api.export import export_model

    figures = export_model(model, output, format=format.value, libraries=libraries, overwrite=overwrite)
    if format is Format.browser:
        typer.echo(f"page     {output}, {figures['bytes'] / 1e6:.1f} MB with its libraries")
        return
    scores = figures["scores"]
    apart = max(scores.values()) if isinstance(scores, dict) else scores
    typer.echo(f"scores   within {apart:.1g} of the trained model's")
    typer.echo(f"folder   {output}")
