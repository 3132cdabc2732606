"""Structural pruning of a trained encoder: what its recipe keeps, chosen by importance on training rows, and cut."""

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
from insula.models.pruning import EncoderShape, KeptParts
from insula.training.families.encoder import EncoderOptions
from insula.training.fitters.importance import Importance, measure_importance
from insula.training.fitting import RunContext
from insula.training.loss_terms.total import LossTerms
from insula.training.neural.batches import TokenRows
from insula.training.options.sections import ModelOptions

MOST_ROWS = 1000
WIDTH_STEP = 8


def prunes(options: ModelOptions) -> bool:
    """Whether a recipe's model is to be pruned."""
    return isinstance(options, EncoderOptions) and any(
        kept is not None for kept in (options.keep_layers, options.keep_heads, options.keep_width)
    )


def pruned_shape(before: EncoderShape, options: EncoderOptions) -> tuple[int, EncoderShape]:
    """Return how many layers are kept, and the heads and neurons that each layer of the whole encoder would keep.

    A share is rounded to whole heads and to a multiple of 8 neurons, at least one of each. Raises `RecipeError` where
    there are not so many layers, or where nothing would be dropped.
    """
    there = len(before.heads)
    layers = there if options.keep_layers is None else options.keep_layers
    if layers > there:
        raise RecipeError(
            f"The layers to keep (model.keep_layers) must be 1 to {there} for this encoder. Got {layers}. Keep fewer."
        )
    heads = tuple(_part(count, options.keep_heads, step=1) for count in before.heads)
    widths = tuple(_part(count, options.keep_width, step=WIDTH_STEP) for count in before.widths)
    if layers == there and EncoderShape(heads, widths) == before:
        raise RecipeError(
            f"The layers, heads and width to keep must drop something. Got all {there} layers with all their heads and "
            "neurons. Keep fewer layers, or smaller shares of heads or width."
        )
    return layers, EncoderShape(heads, widths)


def choose_kept(importance: Importance, layers: int, shape: EncoderShape) -> KeptParts:
    """Return the most important layers, and of each the most important heads and neurons.

    layers   how many
    shape    heads and neurons to keep, of each layer of the whole encoder
    """
    chosen = _most(importance.layers, layers)
    return KeptParts(
        chosen,
        tuple(_most(importance.heads[number], shape.heads[number]) for number in chosen),
        tuple(_most(importance.neurons[number], shape.widths[number]) for number in chosen),
    )


def prune(
    model: EncoderForEmotion, rows: TokenRows, terms: LossTerms, options: ModelOptions, run: RunContext
) -> dict[str, Any]:
    """Prune a trained encoder in place as the recipe says, and return what was kept as a fact of the run.

    Importance is measured on at most 1,000 labelled training rows, drawn with the seed. A resumed run keeps what it
    kept before: another number of threads adds up in another order, and might choose otherwise.
    """
    if not isinstance(options, EncoderOptions):
        raise TypeError(f"The model options of prune must be EncoderOptions. Got {type(options).__name__}.")
    before = EncoderShape.of(model.backbone)
    layers, shape = pruned_shape(before, options)
    file = run.folder / "cache" / "kept.json"
    if run.resume and file.exists():
        kept = KeptParts.from_dict(json.loads(file.read_text(encoding="utf-8")))
    else:
        known = np.flatnonzero(rows.columns.get("labelled", np.ones(len(rows))))
        drawn = np.random.default_rng(run.seed).permutation(known)[:MOST_ROWS]
        kept = choose_kept(measure_importance(model, rows, drawn.tolist(), terms, run.progress), layers, shape)
        _remember(kept, file)
    model.prune(kept)
    run.progress.say(f"Pruned to {len(kept.layers)} of {len(before.heads)} layers.")
    return {"pruned": _described(before, kept)}


def _described(before: EncoderShape, kept: KeptParts) -> dict[str, Any]:
    """Return what was kept for the metrics: layers and their heads by number, and how many neurons."""
    return {
        "before": before.to_dict(),
        "layers": list(kept.layers),
        "heads": [list(one) for one in kept.heads],
        "widths": [len(one) for one in kept.neurons],
    }


def _remember(kept: KeptParts, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, kept.to_dict())


def _part(count: int, share: float | None, *, step: int) -> int:
    if share is None or share == 1:
        return count
    return min(count, max(1, math.floor(share * count / step + 0.5)) * step)


def _most(importance: NDArray[np.float64], count: int) -> tuple[int, ...]:
    """Return the places of the `count` highest, ascending; of equal ones the first."""
    return tuple(sorted(np.argsort(-importance, kind="stable")[:count].tolist()))
