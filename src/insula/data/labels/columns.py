"""Several label columns: one-hot labels if they hold 0 and 1, scores if they hold other numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from insula.core.errors import DataError
from insula.core.scheme import Kind
from insula.data.known_column_names import DIMENSIONS
from insula.data.labels.cells import as_name, as_score, is_unlabelled
from insula.data.labels.plan import LabelPlan
from insula.data.labels.schemes import build_categorical_scheme, build_dimensional_scheme


def plan_label_columns(cells: Sequence[tuple[Any, ...]], columns: Sequence[str], kind: Kind | None) -> LabelPlan:
    """Return the plan for several columns; `DataError` if a cell holds no number or contradicts `kind`."""
    rows = [tuple(as_score(score) for score in cell) for cell in cells]
    for row, cell in zip(rows, cells, strict=True):
        for number, score, column in zip(row, cell, columns, strict=True):
            if number is None and not is_unlabelled(score):
                raise DataError(
                    f"Several label columns must hold numbers: 0 and 1, or scores. Got {as_name(score)!r} in "
                    f"{column!r}. Correct it, or choose a single label column."
                )
    whole = [cast(tuple[float, ...], row) for row in rows if None not in row]
    if not whole:
        raise DataError(
            f"The label columns {', '.join(columns)} must all hold a number in at least one row. No row has all of "
            "them. Choose other columns with `label`."
        )
    flags = all(number in (0, 1) for row in whole for number in row)
    scores = not flags or {column.lower() for column in columns} <= set(DIMENSIONS)
    if kind == "dimensional" or (kind is None and scores):
        return plan_dimensions(whole, columns)
    if not flags:
        raise DataError(
            f"Label columns with scores need the kind 'dimensional'. Got {kind!r}. Leave the kind out, or write 0 and "
            "1 for sets of labels."
        )
    one_each = all(sum(row) == 1 for row in whole)
    if kind not in (None, "multi") and not one_each:
        raise DataError(
            f"The kind {kind!r} needs exactly one label per row, and some rows have none or several in {columns}. "
            "Correct them, or leave the kind out."
        )
    inferred: Kind = "multi" if not one_each else "binary" if len(columns) == 2 else "single"
    scheme = build_categorical_scheme("labels", columns, kind or inferred, ordered=True)
    return LabelPlan(scheme, "flags", tuple(columns))


def plan_dimensions(cells: Iterable[Any], columns: Sequence[str]) -> LabelPlan:
    """Return the plan for scores: one dimension per column, with the observed range; empty cells are skipped.

    Raises `DataError` if a cell holds no number, or a column holds the same score in every row.
    """
    rows = [cell if isinstance(cell, tuple) else (cell,) for cell in cells]
    names = tuple(column.lower() if column.lower() in DIMENSIONS else column for column in columns)
    for row in rows:
        for score, column in zip(row, columns, strict=True):
            if as_score(score) is None and not is_unlabelled(score):
                raise DataError(
                    f"Scores must be numbers. Got {as_name(score)!r} in the label column {column!r}. Correct it, or "
                    "choose another kind."
                )
    values = [[number for row in rows if (number := as_score(row[n])) is not None] for n in range(len(columns))]
    ranges = {name: (min(found), max(found)) for name, found in zip(names, values, strict=True)}
    return LabelPlan(build_dimensional_scheme("_".join(names), names, ranges), "values", names)
