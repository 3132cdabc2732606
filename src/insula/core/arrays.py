"""Array types for signatures. Shapes are in the docstrings that use them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
"""Floats of any precision, such as the logits and scores that a backend returns."""
Float64Array = NDArray[np.float64]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Int64Array = NDArray[np.int64]
