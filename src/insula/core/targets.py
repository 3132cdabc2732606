"""Examples to the arrays that training and evaluation compute with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme


def gold_matrix(scheme: LabelScheme, examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return (rows, labels): 0 or 1 for categorical schemes, the values themselves for dimensional ones.

    Raises `DataError` for an unlabelled example or a label outside the scheme.
    """
    gold = np.zeros((len(examples), len(scheme.names)))
    position = {name: i for i, name in enumerate(scheme.names)}
    for row, example in enumerate(examples):
        if scheme.kind == "dimensional":
            if example.values is None:
                raise DataError(f"The example {row} has no values; every row needs them here. Drop it first.")
            gold[row] = example.values
            continue
        if example.labels is None:
            raise DataError(f"The example {row} has no labels; every row needs them here. Drop it first.")
        for label in example.labels:
            gold[row, position[label] if label in position else scheme.index(label)] = 1.0
    return gold


def weights(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return the (rows,) example weights."""
    return np.array([example.weight for example in examples], dtype=np.float64)
