"""`embed`: what a model makes of texts before its last layer, for models that give it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.model_input import TextOrInput
from insula.inference.backends import FeatureBackend
from insula.inference.predictor import Predictor

MAX_EMBEDDED = 2000  # texts of a sample: the embedding costs a second run of the model


def embed(predictor: Predictor, inputs: Sequence[TextOrInput]) -> NDArray[np.floating[Any]] | None:
    """Return the (rows, width) features of inputs; None for a model without dense ones."""
    if not isinstance(predictor.backend, FeatureBackend) or not inputs:
        return None
    found = predictor.backend.features(predictor.prepared(inputs))
    return found if isinstance(found, np.ndarray) else None


def embed_sample(predictor: Predictor, inputs: Sequence[TextOrInput]) -> NDArray[np.floating[Any]] | None:
    """Return the features of up to `MAX_EMBEDDED` inputs, drawn at random; None for a model without dense ones."""
    chosen = np.random.default_rng(0).permutation(len(inputs))[:MAX_EMBEDDED].tolist()
    return embed(predictor, [inputs[place] for place in chosen])
