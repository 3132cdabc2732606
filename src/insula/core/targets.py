"""Converts examples into the arrays that training and evaluation use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme


def build_gold_matrix(scheme: LabelScheme, examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return the (rows, labels) gold array: 0 or 1 for categorical schemes, the values for dimensional schemes.

    Raises `DataError` for an unlabelled example, a label outside the scheme, or a number of labels or values that the
    kind of the scheme does not allow.
    """
    gold = np.zeros((len(examples), len(scheme.names)))
    position = {name: i for i, name in enumerate(scheme.names)}
    for row, example in enumerate(examples):
        if scheme.kind == "dimensional":
            if example.values is None:
                raise DataError(
                    f"Example {row} has no values, but training and evaluation need values in every row. Drop the row."
                )
            if len(example.values) != len(scheme.names):
                raise DataError(
                    f"Example {row} must have {len(scheme.names)} values, one for each of "
                    f"{', '.join(scheme.names)}. Got {len(example.values)}. Correct that row."
                )
            gold[row] = example.values
            continue
        if example.labels is None:
            raise DataError(
                f"Example {row} has no labels, but training and evaluation need labels in every row. Drop the row."
            )
        if scheme.kind != "multi" and len(set(example.labels)) != 1:
            raise DataError(
                f"Example {row} must have exactly one label in the {scheme.kind} scheme {scheme.name!r}. "
                f"Got {len(set(example.labels))}. Correct that row."
            )
        for label in example.labels:
            gold[row, position[label] if label in position else scheme.index(label)] = 1.0
    return gold


def build_soft_gold_matrix(scheme: LabelScheme, examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return the gold array of a categorical scheme, with the annotators' votes instead of labels for rows with votes.

    single, binary, ordinal: the share of each label in the votes of the row. multi: the votes themselves, which are
    shares of annotators. Raises `DataError` for votes below 0 (or above 1 for multi) and for a label outside the
    scheme.
    """
    gold = build_gold_matrix(scheme, examples)
    for row, example in enumerate(examples):
        if not example.votes or not any(example.votes.values()):
            continue
        counts = np.zeros(len(scheme.names))
        for label, count in example.votes.items():
            counts[scheme.index(label)] = count
        if counts.min() < 0 or (scheme.kind == "multi" and counts.max() > 1):
            raise DataError(
                f"The votes of example {row} must be counts of at least 0 (multi-label: shares from 0 to 1). "
                f"Got {dict(example.votes)}. Correct the votes, or leave them out."
            )
        gold[row] = counts if scheme.kind == "multi" else counts / counts.sum()
    return gold


def collect_weights(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Return the (rows,) example weights."""
    return np.array([example.weight for example in examples], dtype=np.float64)


def check_example_weights(weights: ArrayLike | None, rows: int) -> list[float]:
    """Return one weight per row, 1 for None; `DataError` unless they are finite, not negative, and not all zero."""
    if weights is None:
        return [1.0] * rows
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (rows,) or not np.isfinite(array).all() or (array < 0).any():
        raise DataError(
            f"The sample_weight must be {rows} finite numbers of at least 0. Got shape {array.shape}. Pass one number "
            "per row."
        )
    if not array.any():
        raise DataError(
            "The sample_weight must have at least one number above 0. Got only zeros. Leave it out to weight all "
            "rows equally."
        )
    return [float(weight) for weight in array]
