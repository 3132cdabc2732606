"""Gradients of the evidence with respect to the token vectors of a network, by `captum`, summed over words.

Integrated gradients (Sundararajan et al. 2017) average the gradient on the way from a text of padding to the text;
gradient x input takes it at the text alone. Both need torch and the trained network of the model folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from insula.core.arrays import Float64Array, Int64Array
from insula.core.environment import require
from insula.core.errors import DataError
from insula.explanation.explainers import Explainer
from insula.explanation.masked_predictor import MaskedPredictor, build_evidence_map
from insula.explanation.methods.exact import map_characters_to_words
from insula.inference.backends import GradientBackend, find_gradient_backend

STEPS = 32  # of the integral, by Gauss-Legendre quadrature


def explain_by_integrated_gradients(masked: MaskedPredictor, evaluations: int) -> Float64Array:
    """Return the integrated gradients of the evidence; their sum is its difference to a text of padding.

    Columns that are not wanted are NaN: each takes `STEPS` passes through the network.
    """
    captum = _import_captum("integrated-gradients")
    return _attribute(
        masked,
        "integrated-gradients",
        lambda forward, layer, ids, padding, target: captum.LayerIntegratedGradients(forward, layer).attribute(
            ids, baselines=padding, target=target, n_steps=STEPS, internal_batch_size=STEPS
        ),
    )


def explain_by_gradient_times_input(masked: MaskedPredictor, evaluations: int) -> Float64Array:
    """Return gradient times token vector: the first-order change of the evidence if a token's vector becomes zero."""
    captum = _import_captum("gradient-x-input")
    return _attribute(
        masked,
        "gradient-x-input",
        lambda forward, layer, ids, padding, target: captum.LayerGradientXActivation(forward, layer).attribute(
            ids, target=target
        ),
    )


def open_network(masked: MaskedPredictor, method: str) -> tuple[GradientBackend, Int64Array, Int64Array]:
    """Return the network, and the ids of the text's tokens and the word of each; -1 for tokens of no word.

    Raises `DataError` where the model has no network to differentiate, or reads the text in windows or with context.
    """
    backend = find_gradient_backend(masked.predictor.backend, masked.predictor.folder)
    if backend is None:
        raise DataError(
            f"The method {method!r} needs the trained network of a neural model (model.safetensors). This model has "
            "none that torch can open. Use 'occlusion' or 'partition'."
        )
    if not isinstance(masked.prepared, str):
        raise DataError(
            f"The method {method!r} reads a text without context. Got one with earlier turns or a target. Use "
            "'occlusion' or 'partition'."
        )
    ids, places = backend.tokenizer.encode_with_offsets(masked.prepared)
    if len(ids) > backend.tokenizer.max_tokens or (backend.tokenizer.read([masked.prepared])[0].pooling != "none"):
        raise DataError(
            f"The method {method!r} reads texts of at most {backend.tokenizer.max_tokens} tokens. Got one that is read "
            "in windows. Use 'occlusion' or 'partition'."
        )
    characters = map_characters_to_words(masked, masked.prepared)
    owners = np.full(len(ids), -1, dtype=np.int64)
    for token, (start, end) in enumerate(places):
        found = characters[start:end]
        found = found[found >= 0]
        if len(found):
            owners[token] = np.bincount(found).argmax()
    if not len(ids):
        ids, owners = np.zeros(1, dtype=np.int64), np.full(1, -1, dtype=np.int64)
    return backend, ids, owners


def sum_over_words(values: Float64Array, owners: Int64Array, words: int) -> Float64Array:
    """Return (words, ...) sums of (tokens, ...) values over the tokens of each word."""
    weights = np.zeros((words, *values.shape[1:]))
    np.add.at(weights, owners[owners >= 0], values[owners >= 0])
    return weights


def _import_captum(method: str) -> Any:
    require("captum", extra="gradients", purpose=f"explain by {method}")
    import captum.attr

    return captum.attr


def _attribute(masked: MaskedPredictor, method: str, compute: Callable[..., Any]) -> Float64Array:
    backend, ids, owners = open_network(masked, method)
    import torch

    scale, shift = (torch.from_numpy(one.astype(np.float32)) for one in build_evidence_map(masked.predictor))
    rows = torch.from_numpy(ids)[None]
    padding = torch.where(torch.from_numpy(owners)[None] >= 0, backend.padding, rows)  # special tokens stay

    def forward(given: Any) -> Any:
        return backend.network(given, torch.ones_like(given)).logits @ scale + shift

    labels = len(masked.predictor.scheme.names)
    weights = np.full((len(masked), labels + (masked.decided is not None)), np.nan)
    for column in range(labels) if masked.wanted is None else masked.wanted:
        found = compute(forward, backend.embeddings, rows, padding, column)[0].sum(dim=-1)
        weights[:, column] = sum_over_words(found.detach().numpy().astype(np.float64), owners, len(masked))
    return weights


INTEGRATED_GRADIENTS = Explainer(explain_by_integrated_gradients, lambda words, labels: 0)
GRADIENT_X_INPUT = Explainer(explain_by_gradient_times_input, lambda words, labels: 0)
