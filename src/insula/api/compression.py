"""`quantize_model`, `compress_model`, `cascade_model`: a model made smaller or faster, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from insula.core.environment import require
from insula.core.errors import UnknownNameError, nearest
from insula.core.progress import Progress, Silent
from insula.data.sources.sources import SourceName, names_in
from insula.models.folder import open_folder, require_model_output
from insula.models.locate import locate_model
from insula.models.provenance import training_dataset

if TYPE_CHECKING:
    from insula.compression.cascade import Cascade
    from insula.compression.compress import CompressionResult
    from insula.compression.quantize import CompressedModel

QUANTISED = ("int8", "8bit", "4bit")


def quantize_model(
    model: str | Path,
    output: str | Path,
    *,
    weights: Literal["int8", "8bit", "4bit"] = "int8",
    tables: Literal[32, 8, 4] = 8,
    max_loss: float = 0.005,
    least_agreement: float | None = 0.97,
    data: SourceName | None = None,
    overwrite: bool = False,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> CompressedModel:
    """Write a smaller model folder and return what it is and how near it stays.

    model     a run, a model folder, or the name of a run, with a `model.onnx` in float32
    output    the new model folder
    weights   int8: static, activations too, smaller and faster; 8bit, 4bit: weights alone, by blocks, smaller
    tables    bits of a value in embedding tables
    max_loss  of the headline metric on validation rows; `least_agreement` of label sets there, None for any
    data      where the rows are, if the model's own run does not say; read as it was for training
    overwrite   replace a model folder at `output`

    Calibration and thresholds are re-chosen on validation rows. Raises `ParityError`, and writes nothing, where the
    result is beyond its limits; `DataError`, `ModelFolderError`, `MissingExtraError`, `OutputError`.
    """
    require("onnx", extra="train", purpose="make a model smaller")
    from insula.compression.parity import Limits
    from insula.compression.quantization.plan import Plan
    from insula.compression.quantize import quantize

    progress = progress or Silent()
    if weights not in QUANTISED:
        raise UnknownNameError(
            f"The weights must be one of {', '.join(QUANTISED)}. Got {weights!r}.{nearest(weights, QUANTISED)}"
        )
    if tables not in (32, 8, 4):
        raise UnknownNameError(f"The tables must have 32, 8 or 4 bits. Got {tables!r}.")
    source, folder = open_folder(locate_model(model)), Path(output)
    require_model_output(folder, source, overwrite=overwrite, data=names_in(data))
    return quantize(
        source,
        training_dataset(source, data),
        folder,
        Plan(weights, tables),
        Limits(max_loss, least_agreement),
        seed=seed,
        command=command,
        progress=progress,
    )


def compress_model(
    model: str | Path,
    output: str | Path,
    *,
    max_size: int,
    max_loss: float = 0.005,
    data: SourceName | None = None,
    overwrite: bool = False,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> CompressionResult:
    """Try several ways to make a model smaller, and keep the one that loses least within a size and a loss.

    max_size   bytes that the folder may have
    max_loss   of the headline metric on validation rows
    model, output, data, overwrite   as for `quantize_model`

    The front of size and quality is stored in the folder. Raises what `quantize_model` raises.
    """
    require("onnx", extra="train", purpose="make a model smaller")
    from insula.compression.compress import compress

    source, folder = open_folder(locate_model(model)), Path(output)
    require_model_output(folder, source, overwrite=overwrite, data=names_in(data))
    return compress(
        source,
        training_dataset(source, data),
        folder,
        max_bytes=max_size,
        max_loss=max_loss,
        seed=seed,
        command=command,
        progress=progress or Silent(),
    )


def cascade_model(
    first: str | Path,
    second: str | Path,
    output: str | Path,
    *,
    max_loss: float = 0.005,
    data: SourceName | None = None,
    overwrite: bool = False,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> Cascade:
    """Make one model of two: `first`, the cheap one, answers the texts it is sure of, `second` the rest.

    first, second   runs, model folders, or names of runs, of the same labels
    max_loss        of the headline metric on validation rows, against the second alone
    data            where the rows are, if the second model's own run does not say
    output, overwrite   as for `quantize_model`

    Where the first stage stops being sure, and thresholds for the mixture, are chosen on validation rows. Raises
    `ParityError`, and writes nothing, where no switch point is within the loss; `ModelFolderError` where the two have
    different labels, or dimensions.
    """
    from insula.compression.cascade import make_cascade

    cheap, better = open_folder(locate_model(first)), open_folder(locate_model(second))
    folder = Path(output)
    require_model_output(folder, cheap, better, overwrite=overwrite, data=names_in(data))
    return make_cascade(
        cheap,
        better,
        training_dataset(better, data),
        folder,
        max_loss=max_loss,
        seed=seed,
        command=command,
        progress=progress or Silent(),
    )
