"""Points of charts: precision against recall of labels, predicted against gold of dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn import metrics as sk

from insula.core.arrays import BoolArray, Float64Array, Int64Array
from insula.evaluation.result import PrecisionRecallCurve


def space_evenly(size: int, limit: int) -> Int64Array:
    """Return at most `limit` evenly spaced positions of range(size), both ends included."""
    if size <= limit:
        return np.arange(size)
    return np.unique(np.linspace(0, size - 1, limit).round().astype(np.int64))


def compute_precision_recall_curves(
    names: Sequence[str], gold: BoolArray, scores: Float64Array, *, labels: int = 12, points: int = 100
) -> list[PrecisionRecallCurve]:
    """Return recall, precision and average precision of the most frequent labels, most frequent first."""
    support = gold.sum(axis=0)
    chosen = [int(i) for i in np.argsort(-support, kind="stable")[:labels] if support[i]]
    curves = []
    for i in chosen:
        precision, recall, _ = sk.precision_recall_curve(gold[:, i], scores[:, i])
        precision, recall = precision[::-1], recall[::-1]
        # Evenly spaced in recall, not in rows: the long tail of low scores would take all points.
        wanted = np.searchsorted(recall, np.linspace(0, 1, min(points, len(recall))))
        kept = np.unique(np.minimum(wanted, len(recall) - 1))
        curves.append(
            PrecisionRecallCurve(
                label=names[i],
                recall=np.round(recall[kept], 6).tolist(),
                precision=np.round(precision[kept], 6).tolist(),
                average_precision=float(sk.average_precision_score(gold[:, i], scores[:, i])),
            )
        )
    return curves


def sample_scatter(
    names: Sequence[str], gold: Float64Array, scores: Float64Array, *, points: int = 500, seed: int = 0
) -> dict[str, list[list[float]]]:
    """Return a sample of [gold, predicted] pairs for each dimension, from the same rows."""
    rows = np.arange(len(gold))
    if len(rows) > points:
        rows = np.sort(np.random.default_rng(seed).choice(len(gold), size=points, replace=False))
    pairs = np.round(np.stack([gold[rows], scores[rows]], axis=-1), 6)
    return {name: pairs[:, i].tolist() for i, name in enumerate(names)}
