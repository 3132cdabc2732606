"""`embed`: what a model makes of texts before its last layer, for models that give it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from insula.core.model_input import TextOrInput
from insula.inference.backends import Backend, FeatureBackend
from insula.inference.predictor import Predictor

MAX_EMBEDDED = 2000  # texts of a sample: the embedding costs a second run of the model


@runtime_checkable
class EmbeddingBackend(Backend, Protocol):
    """A backend that may give the pooled vectors of texts, from which its head computes the logits."""

    def embed(self, texts: Sequence[Any], /) -> NDArray[np.float32] | None:
        """Return the (rows, width) vectors of prepared texts; None for a network that does not give them."""


def embed(predictor: Predictor, inputs: Sequence[TextOrInput]) -> NDArray[np.floating[Any]] | None:
    """Return the (rows, width) features of inputs; None for a model without dense ones."""
    if not inputs:
        return None
    if isinstance(predictor.backend, EmbeddingBackend):
        return predictor.backend.embed(predictor.prepared(inputs))
    if not isinstance(predictor.backend, FeatureBackend):
        return None
    found = predictor.backend.features(predictor.prepared(inputs))
    return found if isinstance(found, np.ndarray) else None


def embed_sample(predictor: Predictor, inputs: Sequence[TextOrInput]) -> NDArray[np.floating[Any]] | None:
    """Return the features of up to `MAX_EMBEDDED` inputs, drawn at random; None for a model without dense ones."""
    chosen = np.random.default_rng(0).permutation(len(inputs))[:MAX_EMBEDDED].tolist()
    return embed(predictor, [inputs[place] for place in chosen])
