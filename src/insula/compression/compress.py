"""`compress`: tries several plans to compress a model, and keeps the best within a maximum size and loss."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.compression.compressed_folder import count_folder_bytes
from insula.compression.compression_data import CompressionData
from insula.compression.compressor import Candidate, Compressor
from insula.compression.parity import ParityLimits, build_parity_figures, explain_parity_failure
from insula.compression.quantization.plan import CompressionPlan
from insula.compression.quantize import CompressedModel, finish_candidate
from insula.core.errors import ModelFolderError, ParityError
from insula.core.files import atomic_folder, write_json, write_text
from insula.core.moved import moved_names
from insula.core.progress import Progress
from insula.data.dataset import Dataset
from insula.evaluation.charts.pareto_front import Point, draw_pareto_front_chart
from insula.evaluation.metrics.metric_names import get_metric_title
from insula.models.folder import ModelFolder, seal

if not TYPE_CHECKING:  # type checkers must not take every name for one that is here
    __getattr__ = moved_names(__name__, {"Compressed": f"{__name__}:CompressionResult"})

FRONT = "front.json"
FRONT_VERSION = 1
FRONT_BYTES = 16_384
"""Reserved for `front.json` and `front.svg`, which count in the size and are written last."""
PLANS = (
    CompressionPlan("8bit", 8, block=128),
    CompressionPlan("int8", 8, float_activations=3),
    CompressionPlan("int8", 8),
    CompressionPlan("int8", 8, least_tokens=1),
    CompressionPlan("4bit", 8, least_tokens=1),
    CompressionPlan("4bit", 4),
    CompressionPlan("4bit", 4, least_tokens=1),
    CompressionPlan("4bit", 4, block=64, least_tokens=2),
    CompressionPlan("4bit", 4, block=128, least_tokens=5),
    CompressionPlan("4bit", 4, block=128, least_tokens=10),
    CompressionPlan("4bit", 4, block=128, least_tokens=40),
)
"""The plans to try, roughly from large to small."""


@dataclass(frozen=True)
class PlanResult:
    """A plan and its result.

    reason    why it was rejected; None if it is within the limits
    on_front  whether no other plan is both smaller and better
    """

    plan: CompressionPlan
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
    """The compressed model, and the results of all plans."""

    smaller: CompressedModel
    tried: Sequence[PlanResult]


def compress(
    source: ModelFolder,
    dataset: Dataset,
    output: Path,
    *,
    max_bytes: int,
    max_loss: float,
    plans: Sequence[CompressionPlan] = PLANS,
    seed: int = 0,
    command: str = "",
    progress: Progress,
) -> CompressionResult:
    """Compress a model with each plan, and keep the model with the least loss within `max_bytes` and `max_loss`.

    The loss is that of the headline metric on validation rows, with thresholds and calibration chosen again for each
    plan. The folder also has the trade-off of size and quality over all plans, as `front.json` and `front.svg`. Raises
    `ParityError`, and writes nothing, if no plan is within the limits.
    """
    compressor = Compressor(source, CompressionData.of(dataset, source), seed=seed)
    plans, limits = _select_applicable(compressor, plans), ParityLimits(max_loss, None)
    tried: list[PlanResult] = []
    best: tuple[float, Path, Candidate] | None = None
    progress.start("compressing", len(plans))
    with atomic_folder(output) as stage, tempfile.TemporaryDirectory(prefix="insula-compress-") as scratch:
        for number, plan in enumerate(plans):
            place = Path(scratch) / str(number)
            place.mkdir()
            try:
                candidate = compressor.make(plan, place, limits)
            except ModelFolderError:  # a vocabulary that cannot be pruned: try the other plans
                continue
            size, _ = finish_candidate(compressor, candidate, place, limits, command=command)
            loss = candidate.parity["loss"]
            reason = explain_parity_failure(limits, candidate.parity, candidate.invariance)
            if reason is None and size + FRONT_BYTES > max_bytes:
                reason = f"It has {size / 1e6:.2f} MB, but the limit is {(max_bytes - FRONT_BYTES) / 1e6:.2f} MB."
            tried.append(PlanResult(plan, size, candidate.parity["after"], loss, reason))
            if reason is None and (best is None or loss["value"] < best[0]):
                best = (loss["value"], place, candidate)
            else:
                shutil.rmtree(place)
            progress.advance(1, megabytes=size / 1e6, loss=loss["value"] or 0.0)
        progress.finish()
        tried = _mark_front(tried)
        if best is None:
            raise ParityError(_explain_failure(tried, max_bytes, max_loss))
        _, place, candidate = best
        _write_front(place, source, tried, str(candidate.parity["metric"]))
        seal(place, family=source.family, backend="onnx")
        shutil.copytree(place, stage, dirs_exist_ok=True)
        figures = build_parity_figures(limits, candidate.parity, candidate.invariance)
        made = CompressedModel(
            output, count_folder_bytes(stage), count_folder_bytes(source.path), figures, candidate.steps
        )
    return CompressionResult(made, tried)


def _select_applicable(compressor: Compressor, plans: Sequence[CompressionPlan]) -> list[CompressionPlan]:
    """Return the plans as far as they apply to this model, without duplicates."""
    found: dict[CompressionPlan, None] = {}
    for plan in plans:
        with contextlib.suppress(ModelFolderError):  # no step of the plan applies
            found[compressor.keep_applicable(plan)] = None
    return list(found)


def _mark_front(tried: Sequence[PlanResult]) -> list[PlanResult]:
    def is_dominated(one: PlanResult) -> bool:
        return any(
            other.bytes <= one.bytes
            and (other.metric or 0.0) >= (one.metric or 0.0)
            and (other.bytes, other.metric) != (one.bytes, one.metric)
            for other in tried
        )

    return [dataclasses.replace(one, on_front=not is_dominated(one)) for one in tried]


def _explain_failure(tried: Sequence[PlanResult], max_bytes: int, max_loss: float) -> str:
    small = [one for one in tried if one.bytes + FRONT_BYTES <= max_bytes]
    nearest = min(small, key=_get_loss) if small else min(tried, key=lambda one: one.bytes)
    loss = nearest.loss["value"]
    return (
        f"The compressed model must have at most {max_bytes / 1e6:.1f} MB and lose at most {max_loss:g}. Got none of "
        f"{len(tried)} plans within these limits; nearest is {nearest.plan} with {nearest.bytes / 1e6:.1f} MB and "
        f"{'an undefined loss' if loss is None else f'a loss of {loss:.4f}'}. Allow more with --max-size or "
        "--max-loss. Nothing was written."
    )


def _get_loss(one: PlanResult) -> float:
    value = one.loss["value"]
    return math.inf if value is None else value


def _write_front(folder: Path, source: ModelFolder, tried: Sequence[PlanResult], metric: str) -> None:
    write_json(
        folder / FRONT,
        {
            "format_version": FRONT_VERSION,
            "metric": metric,
            "bytes_before": count_folder_bytes(source.path),
            "tried": [one.to_dict() for one in tried],
        },
    )
    points = [
        Point(one.bytes / 1e6, one.metric, str(one.plan), one.on_front) for one in tried if one.metric is not None
    ]
    write_text(folder / "front.svg", draw_pareto_front_chart(points, y_title=get_metric_title(metric)))
