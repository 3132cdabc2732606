"""Occlusion: how much evidence is lost when one word is removed (Zeiler and Fergus 2014; Li et al. 2016)."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import Float64Array
from insula.explanation.explainers import Explainer
from insula.explanation.masked_predictor import MaskedPredictor


def explain_by_occlusion(masked: MaskedPredictor, evaluations: int) -> Float64Array:
    """Return the evidence of the whole text minus the evidence without each word."""
    without = ~np.eye(len(masked), dtype=bool)
    evidence = masked.evidence(np.concatenate([masked.keep_all(), without]))
    return evidence[:1] - evidence[1:]


EXPLAINER = Explainer(explain_by_occlusion, lambda words, labels: words + 1)
