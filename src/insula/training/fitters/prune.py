"""Structural pruning of a trained encoder by importance on training rows."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import RecipeError
from insula.core.files import write_json
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.pruning import EncoderShape, PrunedShape
from insula.training.families.encoder import EncoderOptions
from insula.training.fitters.importance import Importance, measure_importance
from insula.training.fitting import RunContext
from insula.training.loss_terms.total import LossTerms
from insula.training.neural.batches import TokenRows
from insula.training.options.sections import ModelOptions

MAX_ROWS = 1000
WIDTH_STEP = 8


def is_pruning(options: ModelOptions) -> bool:
    """Return whether the options prune the model."""
    return isinstance(options, EncoderOptions) and any(
        kept is not None for kept in (options.keep_layers, options.keep_heads, options.keep_width)
    )


def compute_pruned_shape(before: EncoderShape, options: EncoderOptions) -> tuple[int, EncoderShape]:
    """Return the number of layers to keep, and the number of heads and neurons that each layer would keep.

    Shares are rounded to whole heads and to multiples of 8 neurons, at least one of each. Raises `RecipeError` if the
    encoder has fewer layers, or if nothing would be dropped.
    """
    total = len(before.heads)
    layers = total if options.keep_layers is None else options.keep_layers
    if layers > total:
        raise RecipeError(
            f"The layers to keep (model.keep_layers) must be from 1 to {total} for this encoder. Got {layers}. Keep "
            "fewer."
        )
    heads = tuple(_count_parts_to_keep(count, options.keep_heads, step=1) for count in before.heads)
    widths = tuple(_count_parts_to_keep(count, options.keep_width, step=WIDTH_STEP) for count in before.widths)
    if layers == total and EncoderShape(heads, widths) == before:
        raise RecipeError(
            f"The layers, heads and width to keep must prune something. Got all {total} layers with all their "
            "heads and neurons. Keep fewer layers, or smaller shares of heads or width."
        )
    return layers, EncoderShape(heads, widths)


def choose_parts_to_keep(importance: Importance, layers: int, shape: EncoderShape) -> PrunedShape:
    """Return the most important layers, and the most important heads and neurons of each.

    layers   number of layers to keep
    shape    number of heads and neurons to keep in each layer of the whole encoder
    """
    chosen = _find_highest(importance.layers, layers)
    return PrunedShape(
        chosen,
        tuple(_find_highest(importance.heads[number], shape.heads[number]) for number in chosen),
        tuple(_find_highest(importance.neurons[number], shape.widths[number]) for number in chosen),
    )


def prune(
    model: EncoderForEmotion, rows: TokenRows, terms: LossTerms, options: ModelOptions, run: RunContext
) -> dict[str, Any]:
    """Prune a trained encoder in place; return a description of the kept parts, for the metrics of the run.

    Importance is measured on at most 1,000 labelled training rows, drawn with the seed. A resumed run reads its earlier
    choice, which might differ in the last bits with another number of threads.
    """
    if not isinstance(options, EncoderOptions):
        raise TypeError(
            f"The model options of prune must be EncoderOptions. Got {type(options).__name__}. Derive the family's "
            "options from it."
        )
    before = EncoderShape.of(model.backbone)
    layers, shape = compute_pruned_shape(before, options)
    file = run.folder / "cache" / "kept.json"
    if run.resume and file.exists():
        kept = PrunedShape.from_dict(json.loads(file.read_text(encoding="utf-8")))
    else:
        known = np.flatnonzero(rows.columns.get("labelled", np.ones(len(rows))))
        drawn = np.random.default_rng(run.seed).permutation(known)[:MAX_ROWS]
        kept = choose_parts_to_keep(measure_importance(model, rows, drawn.tolist(), terms, run.progress), layers, shape)
        _write_remaining_parts(kept, file)
    model.prune(kept)
    run.progress.say(f"Pruned to {len(kept.layers)} of {len(before.heads)} layers.")
    return {"pruned": _describe_remaining_parts(before, kept)}


def _describe_remaining_parts(before: EncoderShape, kept: PrunedShape) -> dict[str, Any]:
    """Describe the kept parts for the metrics: indices of layers and heads, neurons per layer."""
    return {
        "before": before.to_dict(),
        "layers": list(kept.layers),
        "heads": [list(one) for one in kept.heads],
        "widths": [len(one) for one in kept.neurons],
    }


def _write_remaining_parts(kept: PrunedShape, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, kept.to_dict())


def _count_parts_to_keep(count: int, share: float | None, *, step: int) -> int:
    if share is None or share == 1:
        return count
    return min(count, max(1, math.floor(share * count / step + 0.5)) * step)


def _find_highest(importance: NDArray[np.float64], count: int) -> tuple[int, ...]:
    """Return the indices of the `count` highest values, ascending; the first of equal values."""
    return tuple(sorted(np.argsort(-importance, kind="stable")[:count].tolist()))
