"""`quantize`: compresses the `model.onnx` of a model folder by one plan, or raises with the reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.compression.compressed_folder import count_folder_bytes, write_compressed_folder
from insula.compression.compression_data import CompressionData
from insula.compression.compressor import Candidate, Compressor
from insula.compression.parity import ParityLimits, build_parity_figures, explain_parity_failure, require_parity
from insula.compression.quantization.plan import CompressionPlan
from insula.core.files import atomic_folder
from insula.core.moved import moved_names
from insula.core.progress import Progress
from insula.data.dataset import Dataset
from insula.models.folder import ModelFolder

FLOAT_ACTIVATIONS = (2, 3, 4, 6, 9, 12)  # tried in turn

if not TYPE_CHECKING:  # type checkers must not take every name for one that is here
    __getattr__ = moved_names(__name__, {"Smaller": f"{__name__}:CompressedModel"})


@dataclasses.dataclass(frozen=True)
class CompressedModel:
    """A compressed model folder.

    path    the folder
    bytes   its size; `bytes_before` is that of the source model
    parity  the content of its `parity.json`
    steps   the steps of compression, as in its `compression.json`
    """

    path: Path
    bytes: int
    bytes_before: int
    parity: dict[str, Any]
    steps: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the steps, which are in the folder."""
        return {"path": str(self.path), "bytes": self.bytes, "bytes_before": self.bytes_before, "parity": self.parity}


def quantize(
    source: ModelFolder,
    dataset: Dataset,
    output: Path,
    plan: CompressionPlan,
    limits: ParityLimits,
    *,
    seed: int = 0,
    command: str = "",
    progress: Progress,
) -> CompressedModel:
    """Compress a model folder by `plan` into `output`.

    dataset  the training data of the model, with its original split

    Thresholds and calibration are chosen again on validation rows; test rows are never read. Raises `ParityError`, and
    writes nothing, if the result is not within the limits; `ModelFolderError` if the plan does not apply to this model.
    """
    compressor = Compressor(source, CompressionData.of(dataset, source), seed=seed)
    if (applicable := compressor.keep_applicable(plan)) != plan:
        progress.say(f"The family {source.family!r} has no matrix products: only its embedding table is compressed.")
        plan = applicable
    progress.say(f"Predicting {len(compressor.rows.texts):,} validation rows before and after.")
    with atomic_folder(output) as stage:
        candidate = _find_first_passing(compressor, plan, stage, limits, progress)
        require_parity(limits, candidate.parity, candidate.invariance)
        size, figures = finish_candidate(compressor, candidate, stage, limits, command=command)
    return CompressedModel(output, size, count_folder_bytes(source.path), figures, candidate.steps)


def _find_first_passing(
    compressor: Compressor, plan: CompressionPlan, stage: Path, limits: ParityLimits, progress: Progress
) -> Candidate:
    """Return the candidate with the fewest float activations within the limits, else the last one tried."""
    candidate = compressor.make(plan, stage, limits)
    for count in FLOAT_ACTIVATIONS if plan.weights == "int8" else ():
        reason = explain_parity_failure(limits, candidate.parity, candidate.invariance)
        if reason is None or count > len(compressor.scales):
            break
        progress.say(f"Not within the limits: trying with the {count} most sensitive activations in float32.")
        candidate = compressor.make(dataclasses.replace(plan, float_activations=count), stage, limits)
    return candidate


def finish_candidate(
    compressor: Compressor, candidate: Candidate, stage: Path, limits: ParityLimits, *, command: str
) -> tuple[int, dict[str, Any]]:
    """Complete the folder of a candidate; return its size in bytes and the content of its `parity.json`."""
    source, rows = compressor.source, compressor.rows
    figures = build_parity_figures(limits, candidate.parity, candidate.invariance)
    size = write_compressed_folder(
        source,
        stage,
        examples=rows.examples,
        gold=rows.gold,
        decision=candidate.decision,
        decided=candidate.decided,
        coverage=compressor.options.coverage,
        parity=figures,
        steps=candidate.steps,
        command=command,
        seed=compressor.seed,
    )
    return size, figures
