"""Padding: arrays of different length as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pad(arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the arrays stacked and padded with zeros at the end, and a (rows, tokens) mask: 1 for real tokens.

    float16 states become float32, because float16 products are slow on CPUs.
    """
    longest = max(len(array) for array in arrays)
    kind = np.float32 if arrays[0].dtype == np.float16 else arrays[0].dtype
    padded = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype=kind)
    mask = np.zeros((len(arrays), longest), dtype=np.int64)
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = array
        mask[row, : len(array)] = 1
    return padded, mask
