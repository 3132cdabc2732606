"""`export_model`: a trained model for use elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from insula.api.compression import check_output
from insula.core.errors import UnknownNameError, nearest
from insula.core.extras import require
from insula.models.folder import open_folder
from insula.models.locate import locate_model

FORMATS = ("onnx", "huggingface")


def export_model(
    model: str | Path,
    output: str | Path,
    *,
    format: Literal["onnx", "huggingface"] = "onnx",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write a model for use elsewhere; return how near its scores are to those of the trained one.

    model    a run, a model folder, or the name of a run, of a neural family
    output   a new folder
    format   onnx: a model folder that needs no torch; huggingface: a plain folder that
             `transformers.pipeline("text-classification")` loads, with readable labels
    overwrite   replace a model folder that stands at `output`

    Raises `ParityError`, and writes nothing, where scores differ by more than 1e-5, `ModelFolderError` where no class
    of transformers computes what the model does, `OutputError` where something stands at `output`.
    """
    if format not in FORMATS:
        raise UnknownNameError(
            f"The format must be one of {', '.join(FORMATS)}. Got {format!r}.{nearest(format, FORMATS)}"
        )
    for package in ("torch", "transformers", "onnx"):
        require(package, extra="train", purpose="export a model")
    from insula.compression.export import export

    source, folder = open_folder(locate_model(model)), Path(output)
    check_output(folder, source.path, overwrite=overwrite)
    return export(source, folder, format)
