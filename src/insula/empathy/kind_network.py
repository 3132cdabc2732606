"""`KindNetwork`: the last layers of a Transformer, trained to read kinds of messages, on a layer of the starter model.

The starter model computes the layers below. These are small enough for numpy: a message takes a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from insula.core.arrays import Float32Array

PRODUCTS = ("query", "key", "value", "attended", "wide", "narrow")  # the matrices of a layer, in their order
NORMS = ("attended_norm", "narrow_norm")
EPSILON = 1e-12  # of the layer normalisations, as in the starter model


class KindNetwork:
    """A Transformer encoder after the normalisation of each half of a layer (as in BERT), a mean, and a linear layer.

    tensors  by name: `0.query.weight` (inputs, outputs) in INT8 with `0.query.scale` (outputs,) and `0.query.bias`, and
             likewise for `PRODUCTS` of each layer; `0.attended_norm.weight` and `.bias`, and likewise for `NORMS`;
             `kinds.weight` (width, kinds) and `kinds.bias`
    heads    of the attention
    """

    def __init__(self, tensors: Mapping[str, NDArray[np.generic]], heads: int = 12) -> None:
        self._heads = heads
        self._layers = 1 + max(int(name.split(".")[0]) for name in tensors if name[0].isdigit())
        self._tensors: dict[str, Float32Array] = {}
        for name, tensor in tensors.items():
            scale = tensors.get(name.removesuffix("weight") + "scale") if tensor.dtype == np.int8 else None
            values = tensor.astype(np.float32)
            self._tensors[name] = values if scale is None else values * scale.astype(np.float32)

    def score(self, states: Float32Array) -> Float32Array:
        """Return (kinds,) logits for the (tokens, width) states of one text."""
        for layer in range(self._layers):
            states = self._normalise(f"{layer}.attended_norm", states + self._attend(layer, states))
            wide = _gelu(self._multiply(f"{layer}.wide", states))
            states = self._normalise(f"{layer}.narrow_norm", states + self._multiply(f"{layer}.narrow", wide))
        return self._multiply("kinds", states.mean(axis=0))

    def _attend(self, layer: int, states: Float32Array) -> Float32Array:
        query, key, value = (self._split(self._multiply(f"{layer}.{name}", states)) for name in PRODUCTS[:3])
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(np.float32(query.shape[-1]))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        joined = (weights @ value).transpose(1, 0, 2).reshape(states.shape)
        return self._multiply(f"{layer}.attended", joined)

    def _split(self, rows: Float32Array) -> Float32Array:
        """Return (heads, tokens, width of a head)."""
        return np.asarray(rows.reshape(len(rows), self._heads, -1).transpose(1, 0, 2))

    def _multiply(self, name: str, rows: Float32Array) -> Float32Array:
        return np.asarray(rows @ self._tensors[f"{name}.weight"] + self._tensors[f"{name}.bias"], dtype=np.float32)

    def _normalise(self, name: str, rows: Float32Array) -> Float32Array:
        centred = rows - rows.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        scaled = centred / spread * self._tensors[f"{name}.weight"] + self._tensors[f"{name}.bias"]
        return np.asarray(scaled, dtype=np.float32)


def _gelu(rows: Float32Array) -> Float32Array:
    """Return the Gaussian error linear unit, by its approximation with tanh, with which the network was trained."""
    return np.asarray(
        0.5 * rows * (1 + np.tanh(np.sqrt(np.float32(2 / np.pi)) * (rows + 0.044715 * rows**3))), dtype=np.float32
    )
