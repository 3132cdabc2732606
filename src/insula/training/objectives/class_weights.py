"""Class weights: how much a row of each class counts, so that frequent classes do not drown rare ones."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import Float64Array


def class_weights(totals: Float64Array, rule: str, beta: float = 0.999) -> Float64Array:
    """Return the (classes, ...) weight of a row of each class, from how many rows (or how much weight) each has.

    none, auto  1
    balanced    1 / n: each class counts alike (King and Zeng 2001)
    effective   (1 - beta) / (1 - beta^n), the inverse of the effective number of rows, since the hundredth of a kind
                brings less that is new than the first (Cui et al. 2019, CVPR, equation 4)

    Scaled so that all rows together count as much as without weights; a class without rows has weight 0.
    """
    if rule in ("none", "auto"):
        return np.ones_like(totals)
    there = totals > 0
    rows = np.where(there, totals, 1.0)
    each = 1.0 / rows
    if rule == "effective" and beta > 0:
        each = (1.0 - beta) / -np.expm1(rows * np.log(beta))
    elif rule == "effective":
        each = np.ones_like(rows)
    each = np.where(there, each, 0.0)
    weighted = (totals * each).sum(axis=0)
    scaled: Float64Array = each * totals.sum(axis=0) / np.where(weighted > 0, weighted, 1.0)
    return scaled


def row_weights(gold: Float64Array, weights: Float64Array, rule: str, beta: float = 0.999) -> Float64Array:
    """Return the (rows,) weights times those of each row's class, for schemes where a row has one of several."""
    each: Float64Array = weights * (gold @ class_weights(weights @ gold, rule, beta))
    return each


def label_weights(gold: Float64Array, weights: Float64Array, rule: str, beta: float = 0.999) -> Float64Array | None:
    """Return (2, labels) weights of rows without and with each label; None where the rule weighs nothing.

    For multi-label schemes, where each label is a question of its own with two classes, absent and present.
    """
    if rule in ("none", "auto"):
        return None
    present = weights @ gold
    return class_weights(np.stack([weights.sum() - present, present]), rule, beta)
