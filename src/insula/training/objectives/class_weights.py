"""Class weights, so that frequent classes do not dominate rare ones."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import Float64Array


def compute_class_weights(totals: Float64Array, rule: str, beta: float = 0.999) -> Float64Array:
    """Return the (classes, ...) weight of a row of each class, given the number (or total weight) n of its rows.

    none, auto  1
    balanced    1 / n: every class has the same total weight (King and Zeng 2001)
    effective   (1 - beta) / (1 - beta^n), the inverse of the effective number of rows: a further row adds less
                information than the first (Cui et al. 2019, CVPR, equation 4)

    The weights are scaled so that the total over all rows stays the same; a class without rows has weight 0.
    """
    if rule in ("none", "auto"):
        return np.ones_like(totals)
    occurs = totals > 0
    rows = np.where(occurs, totals, 1.0)
    each = 1.0 / rows
    if rule == "effective" and beta > 0:
        each = (1.0 - beta) / -np.expm1(rows * np.log(beta))
    elif rule == "effective":
        each = np.ones_like(rows)
    each = np.where(occurs, each, 0.0)
    weighted = (totals * each).sum(axis=0)
    scaled: Float64Array = each * totals.sum(axis=0) / np.where(weighted > 0, weighted, 1.0)
    return scaled


def compute_row_weights(gold: Float64Array, weights: Float64Array, rule: str, beta: float = 0.999) -> Float64Array:
    """Return the (rows,) weights multiplied by the weight of each row's class, for schemes with one label per row."""
    each: Float64Array = weights * (gold @ compute_class_weights(weights @ gold, rule, beta))
    return each


def compute_label_weights(
    gold: Float64Array, weights: Float64Array, rule: str, beta: float = 0.999
) -> Float64Array | None:
    """Return (2, labels) weights of rows without and with each label; None if the rule has no weights.

    For multi-label schemes, where each label is a binary problem with the classes absent and present.
    """
    if rule in ("none", "auto"):
        return None
    present = weights @ gold
    return compute_class_weights(np.stack([weights.sum() - present, present]), rule, beta)
