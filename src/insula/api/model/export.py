"""`export_model`: write a model in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from insula.core.environment import require
from insula.core.errors import CHOOSE, UnknownNameError, suggest
from insula.core.outputs import require_outside, require_replaceable
from insula.models.folder import open_folder, require_model_output
from insula.models.locate import locate_model

FORMATS = ("onnx", "huggingface", "browser")


def export_model(
    model: str | Path,
    output: str | Path,
    *,
    format: Literal["onnx", "huggingface", "browser"] = "onnx",
    libraries: str | Path = "node_modules",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Export a model; return the largest differences of its scores from the original, or its size in bytes.

    model    a run, a model folder, or the name of a run, of a neural family
    output   the new folder
    format   onnx: a model folder that needs no torch; huggingface: a folder for
             `transformers.pipeline("text-classification")`, with readable labels; browser: a web page that predicts
             without a server, from any model with a `model.onnx`
    libraries   browser: the `node_modules` where onnxruntime-web and @huggingface/tokenizers are installed
    overwrite   replace an export at `output`

    Raises `ParityError`, and writes nothing, if scores differ by more than 1e-5, `ModelFolderError` if no transformers
    class computes what the model does, `OutputError` if `output` holds something else.
    """
    if format not in FORMATS:
        raise UnknownNameError(
            f"The format must be one of {', '.join(FORMATS)}. Got {format!r}.{suggest(format, FORMATS, CHOOSE)}"
        )
    for package in ("onnx",) if format == "browser" else ("torch", "transformers", "onnx"):
        require(package, extra="train", purpose="export a model")
    source, folder = open_folder(locate_model(model)), Path(output)
    if format == "browser":
        from insula.compression.browser import PAGE, export_page

        require_outside(folder, source.path)
        require_replaceable(folder, PAGE, overwrite=overwrite, inputs=[source.path])
        return {"kind": "browser", "bytes": export_page(source, folder, Path(libraries))}
    require_model_output(folder, source, overwrite=overwrite)
    from insula.compression.export import export

    return export(source, folder, format)
