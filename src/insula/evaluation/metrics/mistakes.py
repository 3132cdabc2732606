"""The mistakes to read first: the most confident ones, or the largest errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.core.sentences import shorten
from insula.evaluation.result import Mistake

MAX_CHARACTERS = 300


def find_confident_mistakes(
    names: Sequence[str],
    texts: Sequence[str],
    gold: BoolArray,
    decisions: BoolArray,
    confidence: Float64Array,
    *,
    limit: int = 20,
) -> list[Mistake]:
    """Return the wrong rows with the highest confidence: text (cut at 300 characters), gold, predicted, confidence."""
    wrong = np.flatnonzero((gold != decisions).any(axis=1))
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][:limit]
    return [
        Mistake(
            text=shorten(texts[row], MAX_CHARACTERS),
            gold=[name for name, given in zip(names, gold[row], strict=True) if given],
            predicted=[name for name, given in zip(names, decisions[row], strict=True) if given],
            confidence=float(confidence[row]),
        )
        for row in chosen
    ]


def find_largest_errors(
    texts: Sequence[str], gold: Float64Array, scores: Float64Array, *, limit: int = 20
) -> list[Mistake]:
    """Return the rows with the largest mean absolute error over dimensions, largest first; confidence is None."""
    error = np.abs(gold - scores).mean(axis=1)
    return [
        Mistake(
            text=shorten(texts[row], MAX_CHARACTERS),
            gold=np.round(gold[row], 6).tolist(),
            predicted=np.round(scores[row], 6).tolist(),
            confidence=None,
        )
        for row in np.argsort(-error, kind="stable")[:limit]
        if error[row] > 0
    ]
