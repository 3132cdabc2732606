"""`estimate_quality`: how good predictions probably are, from their calibrated scores alone, without labels.

With calibrated scores p, a predicted label is right with probability p, so that the expected numbers of true positives,
false positives and false negatives are sums of scores (the confidence-based estimate of Guerra et al. and of NannyML's
CBPE). It sees texts that are harder, because the scores fall. It does not see that labels mean something else now
(concept drift): the scores stay as they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from insula.core.arrays import Float64Array
from insula.core.decision import Decisions
from insula.core.scheme import LabelScheme

MIN_EXPECTED = 1.0
"""Labels of which fewer rows are expected, and none is predicted, are left out of the mean, as absent labels are."""


@dataclass(frozen=True)
class EstimatedQuality:
    """Expected metrics of predictions without labels; `f1` is by label, without those that hardly occur."""

    accuracy: float
    macro_f1: float
    f1: dict[str, float]


def estimate_quality(scheme: LabelScheme, decisions: Decisions) -> EstimatedQuality | None:
    """Return the expected quality; None for dimensional schemes and without rows."""
    if not scheme.is_categorical or not len(decisions.scores):
        return None
    scores: Float64Array = np.asarray(decisions.scores, dtype=np.float64)
    if scheme.kind == "binary" and scores.shape[1] == 1:
        scores = np.concatenate([1 - scores, scores], axis=1)
    chosen = decisions.chosen
    hits = np.where(chosen, scores, 0.0).sum(axis=0)
    predicted, expected = chosen.sum(axis=0), scores.sum(axis=0)
    f1 = {
        name: float(2 * hits[place] / (predicted[place] + expected[place]))
        for place, name in enumerate(scheme.names)
        if predicted[place] or expected[place] >= MIN_EXPECTED
    }
    accuracy = float(np.mean(decisions.confidence)) if decisions.confidence is not None else float("nan")
    return EstimatedQuality(accuracy, float(np.mean(list(f1.values()))) if f1 else 0.0, f1)
