"""`quantize`: a model folder with a smaller `model.onnx`, or a refusal with its reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from insula.compression.compressed_folder import folder_bytes, write_compressed_folder
from insula.compression.compression_data import CompressionData
from insula.compression.compressor import Candidate, Compressor
from insula.compression.parity import Limits, parity_failure, parity_figures, require_parity
from insula.compression.quantization.plan import Plan
from insula.core.files import atomic_folder
from insula.core.moved import moved_names
from insula.core.progress import Progress
from insula.data.dataset import Dataset
from insula.models.folder import ModelFolder

FLOAT_ACTIVATIONS = (2, 3, 4, 6, 9, 12)  # tried in turn

__getattr__ = moved_names(__name__, {"Smaller": f"{__name__}:CompressedModel"})


@dataclasses.dataclass(frozen=True)
class CompressedModel:
    """A compressed model folder.

    path    the folder
    bytes   of all its files; `bytes_before` of the one it was made from
    parity  what stands in its `parity.json`
    steps   what was done, as in its `compression.json`
    """

    path: Path
    bytes: int
    bytes_before: int
    parity: dict[str, Any]
    steps: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the steps, which stand in the folder."""
        return {"path": str(self.path), "bytes": self.bytes, "bytes_before": self.bytes_before, "parity": self.parity}


def quantize(
    source: ModelFolder,
    dataset: Dataset,
    output: Path,
    plan: Plan,
    limits: Limits,
    *,
    seed: int = 0,
    command: str = "",
    progress: Progress,
) -> CompressedModel:
    """Make `output` by `plan` from a model folder; `dataset` is the set it was trained on, as it was split then.

    Thresholds and calibration are chosen anew on validation rows; test rows are never read. Raises `ParityError`, and
    writes nothing, where the result is not within the limits; `ModelFolderError` where the plan changes nothing of this
    model.
    """
    workshop = Compressor(source, CompressionData.of(dataset, source), seed=seed)
    if (fitted := workshop.fitted(plan)) != plan:
        progress.say(f"The family {source.family!r} has no products: its table of vectors alone becomes smaller.")
        plan = fitted
    progress.say(f"Answering {len(workshop.rows.texts):,} validation rows before and after.")
    with atomic_folder(output) as stage:
        candidate = _first_within(workshop, plan, stage, limits, progress)
        require_parity(limits, candidate.parity, candidate.company)
        size, figures = finish_candidate(workshop, candidate, stage, limits, command=command)
    return CompressedModel(output, size, folder_bytes(source.path), figures, candidate.steps)


def _first_within(workshop: Compressor, plan: Plan, stage: Path, limits: Limits, progress: Progress) -> Candidate:
    """Return the candidate with the fewest float activations that is within the limits, or else the last tried."""
    candidate = workshop.make(plan, stage, limits)
    for count in FLOAT_ACTIVATIONS if plan.weights == "int8" else ():
        reason = parity_failure(limits, candidate.parity, candidate.company)
        if reason is None or count > len(workshop.scales):
            break
        progress.say(f"Not within the limits yet: the {count} most sensitive activations stay in float32.")
        candidate = workshop.make(dataclasses.replace(plan, float_activations=count), stage, limits)
    return candidate


def finish_candidate(
    workshop: Compressor, candidate: Candidate, stage: Path, limits: Limits, *, command: str
) -> tuple[int, dict[str, Any]]:
    """Finish a candidate's folder; return its bytes and what stands in its `parity.json`."""
    source, rows = workshop.source, workshop.rows
    figures = parity_figures(limits, candidate.parity, candidate.company)
    size = write_compressed_folder(
        source,
        stage,
        examples=rows.examples,
        gold=rows.gold,
        decision=candidate.decision,
        decided=candidate.decided,
        coverage=workshop.options.coverage,
        parity=figures,
        steps=candidate.steps,
        command=command,
        seed=workshop.seed,
    )
    return size, figures
