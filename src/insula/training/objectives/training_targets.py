"""Targets and weights of training rows: soft labels, label smoothing, class weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import RecipeError
from insula.core.example import Example
from insula.core.scheme import Kind, LabelScheme
from insula.core.targets import build_soft_gold_matrix
from insula.training.fitting import Rows
from insula.training.objectives.class_weights import compute_row_weights
from insula.training.options.objective import ObjectiveOptions


def build_training_rows(
    rows: Rows, examples: Sequence[Example], scheme: LabelScheme, options: ObjectiveOptions
) -> Rows:
    """Return the rows of `examples` with gold and weights according to the options of the objective.

    Class weights of multi-label schemes apply to labels, not rows: the objective uses them (`choose_objective`).
    Raises `RecipeError` if soft labels are requested and no row has votes.
    """
    if not scheme.is_categorical:
        return rows
    weights = rows.weights
    if scheme.kind != "multi":
        weights = compute_row_weights(rows.gold, weights, options.class_weights, options.beta)
    gold = rows.gold
    if options.soft_labels:
        if not any(example.votes for example in examples):
            raise RecipeError(
                "The objective.soft_labels option needs votes, and no training row has any. Set their column with "
                "data.votes, or set objective.soft_labels=false."
            )
        gold = build_soft_gold_matrix(scheme, examples)
    return dataclasses.replace(rows, gold=smooth_labels(gold, scheme.kind, options.label_smoothing), weights=weights)


def smooth_labels(gold: NDArray[np.float64], kind: Kind, share: float) -> NDArray[np.float64]:
    """Return (rows, labels) gold with `share` of it spread evenly over the classes (Szegedy et al. 2016, section 7).

    Each label of a multi-label scheme has two classes, absent and present: there 1 becomes 1 - share / 2.
    """
    smooth: NDArray[np.float64] = (1.0 - share) * gold + share / _count_classes(gold, kind)
    return smooth


def unsmooth_labels(gold: NDArray[np.float64], kind: Kind, share: float) -> NDArray[np.float64]:
    """Undo `smooth_labels`: return the original (rows, labels) gold."""
    sharp: NDArray[np.float64] = (gold - share / _count_classes(gold, kind)) / (1.0 - share)
    return sharp


def _count_classes(gold: NDArray[np.float64], kind: Kind) -> int:
    return 2 if kind == "multi" else gold.shape[1]
