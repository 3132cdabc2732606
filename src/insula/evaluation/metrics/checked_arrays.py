"""Checks of the arrays that evaluation takes.

Categorical schemes: `gold` and `decisions` are 0/1 matrices (rows, labels) in the order of `scheme.names`, `scores` are
calibrated probabilities of the same shape. Single, binary and ordinal schemes have exactly one 1 in each row, multi
schemes any number.
Dimensional schemes: `gold` and `scores` are (rows, dimensions) in original units, and there are no decisions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insula.core.arrays import BoolArray, Float64Array, Int64Array
from insula.core.errors import DataError
from insula.core.scheme import LabelScheme


def as_matrix(name: str, values: ArrayLike, columns: int | None = None, rows: int | None = None) -> Float64Array:
    """Return `values` as a finite float matrix (rows, columns); raises `DataError` for anything else."""
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < 1:
        raise DataError(
            f"The {name} must be a matrix (rows, labels) with at least one row. Got shape {matrix.shape}. Pass one "
            "row per text."
        )
    if columns is not None and matrix.shape[1] != columns:
        raise DataError(
            f"The {name} must have {columns} columns, one per label. Got {matrix.shape[1]}. Pass all labels of the "
            "scheme."
        )
    if rows is not None and matrix.shape[0] != rows:
        raise DataError(
            f"The {name} must have as many rows as gold, {rows}. Got {matrix.shape[0]}. Pass one row per gold row."
        )
    if not np.isfinite(matrix).all():
        raise DataError(f"The {name} must be finite numbers. Got NaN or infinity. Check the rows with these values.")
    return matrix


def as_column(name: str, values: Any, rows: int, dtype: type = np.float64) -> NDArray[Any]:
    """Return `values` as a vector of `rows` entries; raises `DataError` for another shape."""
    column: NDArray[Any] = np.asarray(values, dtype=dtype)
    if column.shape != (rows,):
        raise DataError(f"The {name} must have one entry per row, {rows}. Got shape {column.shape}. Pass one per row.")
    return column


def as_indicators(
    name: str, values: ArrayLike, columns: int | None = None, rows: int | None = None, one_hot: bool = False
) -> BoolArray:
    """Return a 0/1 matrix as booleans; with `one_hot` every row must have exactly one 1."""
    matrix = as_matrix(name, values, columns, rows)
    indicators: BoolArray = matrix == 1
    if not (indicators | (matrix == 0)).all():
        raise DataError(
            f"The {name} must contain only 0 and 1. Got {matrix[~indicators & (matrix != 0)][0]}. Correct that value."
        )
    if one_hot and (wrong := indicators.sum(axis=1) != 1).any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"The {name} must have exactly one 1 in each row. Got {int(indicators[row].sum())} in row {row}. Correct "
            "that row."
        )
    return indicators


def check_categorical(
    scheme: LabelScheme, gold: ArrayLike, scores: ArrayLike, decisions: ArrayLike
) -> tuple[BoolArray, Float64Array, BoolArray]:
    """Return gold, scores and decisions as arrays; raises `DataError` where shapes or values contradict the scheme."""
    count, one_hot = len(scheme.names), scheme.has_one_label
    truth = as_indicators("gold", gold, count, one_hot=one_hot)
    probabilities = as_matrix("scores", scores, count, len(truth))
    if probabilities.min() < 0 or probabilities.max() > 1:
        raise DataError(
            "The scores must be probabilities in [0, 1]. Got values outside. Apply softmax or sigmoid to logits."
        )
    return truth, probabilities, as_indicators("decisions", decisions, count, len(truth), one_hot)


def find_class_index(indicators: BoolArray) -> Int64Array:
    """Return the position of the 1 in each row."""
    positions: Int64Array = indicators.argmax(axis=1).astype(np.int64)
    return positions


def average_finite(values: Any) -> float | None:
    """Return the mean of the finite values, None where there is none."""
    known = np.asarray([v for v in values if v is not None and np.isfinite(v)], dtype=np.float64)
    return float(known.mean()) if known.size else None
