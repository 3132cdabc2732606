"""Rounds weights to quantisation levels with error compensation on sampled activations.

GPTQ (Frantar et al. 2023, algorithm 1): the weights of one input after another are rounded, and the remaining weights
are adjusted to minimise the error of the product on the sampled vectors. Without samples: rounding to nearest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DAMPING = 0.01  # times the mean of the diagonal, because few vectors do not cover all directions
_BLOCK = 128


def round_to_levels(
    weight: NDArray[np.float32], scales: NDArray[np.float32], low: int, high: int, seen: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Return integer levels (inputs, outputs) in [low, high] such that `levels * scales` approximates `weight`.

    scales  broadcast to the shape of `weight`
    seen    (rows, inputs) sampled input vectors, or None
    """
    scales = np.broadcast_to(scales, weight.shape)
    if seen is None:
        levels: NDArray[np.float32] = np.clip(np.rint(weight / scales), low, high)
        return levels
    factor = _factorise(seen)
    left = weight.astype(np.float32, copy=True)
    levels = np.empty_like(left)
    for first in range(0, len(left), _BLOCK):
        last = min(first + _BLOCK, len(left))
        errors = np.empty((last - first, left.shape[1]), dtype=np.float32)
        for row in range(first, last):
            levels[row] = np.clip(np.rint(left[row] / scales[row]), low, high)
            error = (left[row] - levels[row] * scales[row]) / factor[row, row]
            left[row + 1 : last] -= np.outer(factor[row, row + 1 : last], error)
            errors[row - first] = error
        left[last:] -= factor[first:last, last:].T @ errors
    return levels


def _factorise(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the upper Cholesky factor of the inverse of the damped second moments."""
    moments = (seen.T @ seen).astype(np.float64)
    diagonal = np.einsum("ii->i", moments)
    diagonal += _DAMPING * max(float(diagonal.mean()), 1e-12)
    inverse = np.linalg.inv(moments)
    upper: NDArray[np.float32] = np.linalg.cholesky((inverse + inverse.T) / 2).T.astype(np.float32)
    return upper
