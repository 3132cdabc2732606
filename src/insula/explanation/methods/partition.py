"""Partition Shapley values: Owen values over halves of the text, as `shap.explainers.Partition` computes them.

The evidence is shared between the two halves of the text, then between the quarters, and so on, each with and without
the other half (Owen 1977; Lundberg and Lee 2017). The weights add up to the whole difference in evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.explanation.explainers import Explainer
from insula.explanation.masked_predictor import MaskedPredictor


@dataclass(frozen=True)
class _WordRange:
    """The gain of the words `first` to `last` where `others` are present; `weight` of all such contexts."""

    first: int
    last: int
    others: BoolArray
    weight: float
    gain: Float64Array


def explain_by_partition(masked: MaskedPredictor, evaluations: int) -> Float64Array:
    """Return Owen values over a balanced binary tree of the words.

    The shares with the largest gain are split first; what `evaluations` leave unsplit is shared equally among its
    words.
    """
    count = len(masked)
    ends = masked.evidence(np.stack([np.zeros(count, dtype=bool), np.ones(count, dtype=bool)]))
    weights = np.zeros((count, ends.shape[1]))
    open_shares = [_WordRange(0, count, np.zeros(count, dtype=bool), 1.0, ends[1] - ends[0])]
    before = masked.evaluations
    while open_shares:
        open_shares.sort(key=lambda share: -share.weight * float(np.abs(share.gain).max()))
        room = max((evaluations - (masked.evaluations - before)) // 2, 0)
        now, later = [share for share in open_shares if share.last - share.first > 1], []
        now, later = now[:room], now[room:]
        for share in [one for one in open_shares if one.last - one.first == 1] + (later if not now else []):
            weights[share.first : share.last] += share.weight * share.gain / (share.last - share.first)
        if not now:
            break
        open_shares = later + _split(masked, now)
    return weights


def _split(masked: MaskedPredictor, shares: list[_WordRange]) -> list[_WordRange]:
    """Return the two halves of each share, each with and without the other half."""
    kept = []
    for share in shares:
        middle = (share.first + share.last) // 2
        for first, last in ((share.first, middle), (middle, share.last)):
            row = share.others.copy()
            row[first:last] = True
            kept.append(row)
    nothing = np.stack([share.others for share in shares])
    evidence = masked.evidence(np.stack(kept)).reshape(len(shares), 2, -1)
    base = masked.evidence(nothing)
    found = []
    for share, (left, right), none in zip(shares, evidence, base, strict=True):
        middle = (share.first + share.last) // 2
        both = none + share.gain
        for first, last, mine, other in (
            (share.first, middle, left, right),
            (middle, share.last, right, left),
        ):
            with_other = share.others.copy()
            with_other[share.first : share.last] = True
            with_other[first:last] = False
            found.append(_WordRange(first, last, share.others, share.weight / 2, mine - none))
            found.append(_WordRange(first, last, with_other, share.weight / 2, both - other))
    return found


EXPLAINER = Explainer(explain_by_partition, lambda words, labels: 2 * words)
