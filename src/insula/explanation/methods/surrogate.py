"""A local surrogate: a linear model fitted to the answers on random variants of a text (LIME, Ribeiro et al. 2016)."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import Float64Array
from insula.explanation.explainers import Explainer
from insula.explanation.masked_predictor import MaskedPredictor

WIDTH = 0.25  # of the kernel over cosine distance, as in the authors' implementation
PENALTY = 0.01  # keeps the equations solvable; more of it would pull all weights to zero


def explain_by_surrogate(masked: MaskedPredictor, evaluations: int) -> Float64Array:
    """Return the coefficients of a ridge regression of the evidence on which words are present."""
    count = len(masked)
    random = np.random.default_rng(masked.seed)
    rows = max(evaluations - 1, 1)
    kept = random.random((rows, count)).argsort(axis=1) >= random.integers(1, count + 1, size=(rows, 1))
    kept = np.concatenate([masked.keep_all(), kept])
    distance = 1.0 - np.sqrt(kept.mean(axis=1))  # cosine distance from the whole text
    closeness = np.exp(-(distance**2) / WIDTH**2)
    evidence = masked.evidence(kept)
    features = kept.astype(np.float64)
    features -= np.average(features, axis=0, weights=closeness)
    centred = evidence - np.average(evidence, axis=0, weights=closeness)
    gram = (features * closeness[:, None]).T @ features + PENALTY * np.eye(count)
    weights: Float64Array = np.linalg.solve(gram, (features * closeness[:, None]).T @ centred)
    return weights


EXPLAINER = Explainer(explain_by_surrogate, lambda words, labels: 2 * words + 1)
