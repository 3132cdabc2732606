"""`compress`: several ways to make a model smaller, each measured; the best within a size and a loss is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.compression.compressed_folder import folder_bytes
from insula.compression.compression_data import CompressionData
from insula.compression.compressor import Candidate, Compressor
from insula.compression.parity import Limits, parity_failure, parity_figures
from insula.compression.quantization.plan import Plan
from insula.compression.quantize import CompressedModel, finish_candidate
from insula.core.errors import ModelFolderError, ParityError
from insula.core.files import atomic_folder, write_json, write_text
from insula.core.moved import moved_names
from insula.core.progress import Progress
from insula.data.dataset import Dataset
from insula.evaluation.charts.pareto_front import Point, pareto_front_chart
from insula.evaluation.metrics.metric_names import metric_title
from insula.models.folder import ModelFolder, seal

__getattr__ = moved_names(__name__, {"Compressed": f"{__name__}:CompressionResult"})

FRONT = "front.json"
FRONT_VERSION = 1
FRONT_BYTES = 16_384
"""Room for what tells of all that were tried: it is written when they are known, and counts."""
PLANS = (
    Plan("8bit", 8, block=128),
    Plan("int8", 8, float_activations=3),
    Plan("int8", 8),
    Plan("int8", 8, least_tokens=1),
    Plan("4bit", 8, least_tokens=1),
    Plan("4bit", 4),
    Plan("4bit", 4, least_tokens=1),
    Plan("4bit", 4, block=64, least_tokens=2),
    Plan("4bit", 4, block=128, least_tokens=5),
    Plan("4bit", 4, block=128, least_tokens=10),
    Plan("4bit", 4, block=128, least_tokens=40),
)
"""Tried in this order, roughly from large to small."""


@dataclass(frozen=True)
class PlanResult:
    """A plan and what it came to; `reason` says why it is no choice, None where it is one.

    on_front  no other that was tried is both smaller and better
    """

    plan: Plan
    bytes: int
    metric: float | None
    loss: dict[str, float | None]
    reason: str | None
    on_front: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**dataclasses.asdict(self), "name": str(self.plan)}


@dataclass(frozen=True)
class CompressionResult:
    """The folder that was kept, and all that was tried."""

    smaller: CompressedModel
    tried: Sequence[PlanResult]


def compress(
    source: ModelFolder,
    dataset: Dataset,
    output: Path,
    *,
    max_bytes: int,
    max_loss: float,
    plans: Sequence[Plan] = PLANS,
    seed: int = 0,
    command: str = "",
    progress: Progress,
) -> CompressionResult:
    """Make a model by each of the plans, and keep the one that loses least within `max_bytes` and `max_loss`.

    Losses are of the headline metric on validation rows, with thresholds and calibration chosen anew for each. The
    front of all that were tried stands in the folder as `front.json` and `front.svg`. Raises `ParityError`, and writes
    nothing, where none is within the limits.
    """
    workshop = Compressor(source, CompressionData.of(dataset, source), seed=seed)
    plans, limits = _fitted(workshop, plans), Limits(max_loss, None)
    tried: list[PlanResult] = []
    best: tuple[float, Path, Candidate] | None = None
    progress.start("compressing", len(plans))
    with atomic_folder(output) as stage, tempfile.TemporaryDirectory(prefix="insula-compress-") as scratch:
        for number, plan in enumerate(plans):
            place = Path(scratch) / str(number)
            place.mkdir()
            try:
                candidate = workshop.make(plan, place, limits)
            except ModelFolderError:  # a vocabulary that cannot be pruned: the other plans remain
                continue
            size, _ = finish_candidate(workshop, candidate, place, limits, command=command)
            loss = candidate.parity["loss"]
            reason = parity_failure(limits, candidate.parity, candidate.company)
            if reason is None and size + FRONT_BYTES > max_bytes:
                reason = f"It has {size / 1e6:.2f} MB, and may have {(max_bytes - FRONT_BYTES) / 1e6:.2f}."
            tried.append(PlanResult(plan, size, candidate.parity["after"], loss, reason))
            if reason is None and (best is None or loss["value"] < best[0]):
                best = (loss["value"], place, candidate)
            else:
                shutil.rmtree(place)
            progress.advance(1, megabytes=size / 1e6, loss=loss["value"] or 0.0)
        progress.finish()
        tried = _with_front(tried)
        if best is None:
            raise ParityError(_none_within(tried, max_bytes, max_loss))
        _, place, candidate = best
        _write_front(place, source, tried, str(candidate.parity["metric"]))
        seal(place, family=source.family, backend="onnx")
        shutil.copytree(place, stage, dirs_exist_ok=True)
        figures = parity_figures(limits, candidate.parity, candidate.company)
        made = CompressedModel(output, folder_bytes(stage), folder_bytes(source.path), figures, candidate.steps)
    return CompressionResult(made, tried)


def _fitted(workshop: Compressor, plans: Sequence[Plan]) -> list[Plan]:
    """Return what can be done of the plans to this model, each once."""
    found: dict[Plan, None] = {}
    for plan in plans:
        with contextlib.suppress(ModelFolderError):  # nothing is left of it
            found[workshop.fitted(plan)] = None
    return list(found)


def _with_front(tried: Sequence[PlanResult]) -> list[PlanResult]:
    def beaten(one: PlanResult) -> bool:
        return any(
            other.bytes <= one.bytes
            and (other.metric or 0.0) >= (one.metric or 0.0)
            and (other.bytes, other.metric) != (one.bytes, one.metric)
            for other in tried
        )

    return [dataclasses.replace(one, on_front=not beaten(one)) for one in tried]


def _none_within(tried: Sequence[PlanResult], max_bytes: int, max_loss: float) -> str:
    small = [one for one in tried if one.bytes + FRONT_BYTES <= max_bytes]
    nearest = min(small, key=_lost) if small else min(tried, key=lambda one: one.bytes)
    lost = nearest.loss["value"]
    return (
        f"A compressed model must have at most {max_bytes / 1e6:.1f} MB and lose at most {max_loss:g}. Got none of "
        f"{len(tried)}; nearest is {nearest.plan} with {nearest.bytes / 1e6:.1f} MB and a loss of "
        f"{'nothing known' if lost is None else f'{lost:.4f}'}. Allow more with --max-size or --max-loss. "
        "Nothing was written."
    )


def _lost(one: PlanResult) -> float:
    value = one.loss["value"]
    return math.inf if value is None else value


def _write_front(folder: Path, source: ModelFolder, tried: Sequence[PlanResult], metric: str) -> None:
    write_json(
        folder / FRONT,
        {
            "format_version": FRONT_VERSION,
            "metric": metric,
            "bytes_before": folder_bytes(source.path),
            "tried": [one.to_dict() for one in tried],
        },
    )
    points = [
        Point(one.bytes / 1e6, one.metric, str(one.plan), one.on_front) for one in tried if one.metric is not None
    ]
    write_text(folder / "front.svg", pareto_front_chart(points, y_title=metric_title(metric)))
