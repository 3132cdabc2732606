"""The heads of `models.layers.heads` in numpy, under the same names, for networks that predict without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from insula.core.arrays import Float32Array
from insula.core.registry import Registry

NumpyHead = Callable[[Float32Array, Mapping[str, Float32Array]], Float32Array]
"""`(pooled, tensors) -> logits`: (rows, width) vectors and the tensors of the head to (rows, outputs) logits."""

MIN_GAP = 1e-4  # as in `models.layers.ordinal_heads`

numpy_heads: Registry[NumpyHead] = Registry("numpy_heads")


@numpy_heads.add("linear")
def apply_linear(pooled: Float32Array, tensors: Mapping[str, Float32Array]) -> Float32Array:
    """One linear layer."""
    logits: Float32Array = pooled @ tensors["output.weight"].T + tensors["output.bias"]
    return logits


@numpy_heads.add("corn")
def apply_corn(pooled: Float32Array, tensors: Mapping[str, Float32Array]) -> Float32Array:
    """Conditional ordinal regression: (rows, outputs) log-probabilities of the classes."""
    z = apply_linear(pooled, tensors)
    all_yes = np.cumsum(_log_sigmoid(z), axis=1)
    logits: Float32Array = np.pad(all_yes, ((0, 0), (1, 0))) + np.pad(_log_sigmoid(-z), ((0, 0), (0, 1)))
    return logits


@numpy_heads.add("coral")
def apply_coral(pooled: Float32Array, tensors: Mapping[str, Float32Array]) -> Float32Array:
    """Consistent rank logits: (rows, outputs) log-probabilities of the classes."""
    gaps = np.logaddexp(0, tensors["gap_bias"]) + np.float32(MIN_GAP)
    first = tensors["first_bias"]
    z = pooled @ tensors["output.weight"].T + np.concatenate([first, first - np.cumsum(gaps)])
    at_least, below = _log_sigmoid(z), _log_sigmoid(-z)
    between = at_least[:, :-1] + below[:, 1:] + np.log(-np.expm1(-gaps))
    return np.concatenate([below[:, :1], between, at_least[:, -1:]], axis=1)


def _log_sigmoid(z: Float32Array) -> Float32Array:
    value: Float32Array = -np.logaddexp(0, -z)
    return value
