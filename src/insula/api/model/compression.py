"""`quantize_model`, `compress_model`, `cascade_model`: smaller and faster models, with the loss measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from insula.core.environment import require
from insula.core.errors import CHOOSE, UnknownNameError, suggest
from insula.core.progress import Progress, choose_progress
from insula.data.sources.sources import SourceName, list_source_names
from insula.models.folder import open_folder, require_model_output
from insula.models.locate import locate_model
from insula.models.provenance import load_training_dataset

if TYPE_CHECKING:
    from insula.compression.cascade import Cascade
    from insula.compression.compress import CompressionResult
    from insula.compression.quantize import CompressedModel

QUANTIZED = ("int8", "8bit", "4bit")


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
    """Write a model folder with quantised weights; return its size and how close its predictions are.

    model     a run, a model folder, or the name of a run, with a `model.onnx` in float32
    output    the new model folder
    weights   int8: weights and activations, static, smaller and faster; 8bit, 4bit: weights only, by blocks, smaller
    tables    bits per value in embedding tables
    max_loss  largest loss of the headline metric on validation rows
    least_agreement   smallest share of validation rows that keep their labels; None for no limit
    data      the training data, read as in training; default as recorded in the run
    overwrite   replace a model folder at `output`
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Calibration and thresholds are chosen again on validation rows. Raises `ParityError`, and writes nothing, if the
    result exceeds its limits; `DataError`, `ModelFolderError`, `MissingExtraError`, `OutputError`.
    """
    require("onnx", extra="train", purpose="compress a model")
    from insula.compression.parity import ParityLimits
    from insula.compression.quantization.plan import CompressionPlan
    from insula.compression.quantize import quantize

    progress = choose_progress(progress)
    if weights not in QUANTIZED:
        raise UnknownNameError(
            f"The weights must be one of {', '.join(QUANTIZED)}. Got {weights!r}.{suggest(weights, QUANTIZED, CHOOSE)}"
        )
    if tables not in (32, 8, 4):
        raise UnknownNameError(f"The tables must have 32, 8 or 4 bits. Got {tables!r}. Choose one of these.")
    source, folder = open_folder(locate_model(model)), Path(output)
    require_model_output(folder, source, overwrite=overwrite, data=list_source_names(data))
    return quantize(
        source,
        load_training_dataset(source, data),
        folder,
        CompressionPlan(weights, tables),
        ParityLimits(max_loss, least_agreement),
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
    """Try several ways to shrink a model; keep the one with the least loss within the limits of size and loss.

    max_size   largest size of the folder, in bytes
    max_loss   largest loss of the headline metric on validation rows
    model, output, data, overwrite, progress   as for `quantize_model`

    The Pareto front of size and quality is stored in the folder. Raises what `quantize_model` raises.
    """
    require("onnx", extra="train", purpose="compress a model")
    from insula.compression.compress import compress

    source, folder = open_folder(locate_model(model)), Path(output)
    require_model_output(folder, source, overwrite=overwrite, data=list_source_names(data))
    return compress(
        source,
        load_training_dataset(source, data),
        folder,
        max_bytes=max_size,
        max_loss=max_loss,
        seed=seed,
        command=command,
        progress=choose_progress(progress),
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
    """Combine two models: `first`, the fast one, predicts the texts that it is sure of, `second` the rest.

    first, second   runs, model folders, or names of runs, with the same labels
    max_loss        largest loss of the headline metric on validation rows, compared with `second` alone
    data            the training data of `second`; default as recorded in its run
    output, overwrite, progress   as for `quantize_model`

    The switch point and the thresholds are chosen on validation rows. Raises `ParityError`, and writes nothing, if no
    switch point is within the loss; `ModelFolderError` if the two have different labels or are dimensional.
    """
    from insula.compression.cascade import make_cascade

    first_stage, second_stage = open_folder(locate_model(first)), open_folder(locate_model(second))
    folder = Path(output)
    require_model_output(folder, first_stage, second_stage, overwrite=overwrite, data=list_source_names(data))
    return make_cascade(
        first_stage,
        second_stage,
        load_training_dataset(second_stage, data),
        folder,
        max_loss=max_loss,
        seed=seed,
        command=command,
        progress=choose_progress(progress),
    )
