"""Position vectors: label cells with one 0 or 1 per label, such as `[0, 0, 1]`, `0|0|1` or `[0. 0. 1.]` of numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from insula.core.errors import DataError
from insula.data.labels.cells import SEPARATORS, as_name, parse_list

_FLAGS = {"0": 0, "1": 1, "false": 0, "true": 1}
_MIN_DELIMITED = 3  # "0,1" may be a decimal number, or the labels 0 and 1


class VectorForm(NamedTuple):
    """The number of positions, and their separator in text (None for lists)."""

    width: int
    delimiter: str | None = None


def as_vector(cell: Any, delimiter: str | None = None) -> tuple[int, ...] | None:
    """Return the 0s and 1s of a list, or of text that spells one; None for other cells."""
    if isinstance(cell, str):
        cell = cell.strip().split(delimiter) if delimiter else parse_list(cell.strip())
    if not isinstance(cell, list | tuple):
        return None
    found = [_FLAGS.get(as_name(item).lower()) for item in cell]
    return None if None in found else tuple(found)  # type: ignore[arg-type]


def find_vectors(cells: Sequence[Any], column: str, labels: int | None = None) -> VectorForm | None:
    """Return the form of the position vectors in all cells; None if they hold something else.

    labels  number of labels of a known scheme, which the vectors must have positions for

    Lists of 0 and 1 of equal length are vectors. Lists of different lengths may name the labels 0 and 1, but not if a
    list repeats one of them: then `DataError` is raised.
    """
    for delimiter in (None, *SEPARATORS):
        first = as_vector(cells[0], delimiter)
        if first is None or len(first) < (_MIN_DELIMITED if delimiter else 2):
            continue
        vectors = [as_vector(cell, delimiter) for cell in cells]
        if None in vectors:
            continue
        widths = sorted({len(vector) for vector in vectors if vector is not None})
        repeats = any(len(set(vector)) < len(vector) for vector in vectors if vector is not None)
        if len(widths) == 1 and labels in (None, widths[0]):
            return VectorForm(widths[0], delimiter)
        if repeats:
            expected = "the same length" if labels is None else f"{labels} positions, one for each label"
            got = ", ".join(map(str, widths[:10]))
            raise DataError(
                f"The lists of 0 and 1 in the label column {column!r} must have {expected}. Got lists of length "
                f"{got}. Correct them, or write the names of the labels."
            )
    return None


def name_vector_positions(form: VectorForm, column: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the label of each position: the names of a `label_names` file in its order, else the position."""
    if not names:
        return tuple(map(str, range(form.width)))
    if len(names) != form.width:
        raise DataError(
            f"The `label_names` must name the {form.width} positions of the lists in {column!r}. Got {len(names)} "
            f"names: {', '.join(list(names.values())[:10])}. Write one name for each position."
        )
    return tuple(names.values())
