"""Read label cells into a known scheme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from insula.core.errors import DataError, suggest
from insula.core.scheme import LabelScheme
from insula.data.labels.cells import SEPARATORS, as_list, count_names, is_unlabelled, split_cell
from insula.data.labels.plan import LabelPlan, describe_columns
from insula.data.labels.vectors import find_vectors
from insula.data.options import DataOptions

SENTIMENT_OF_SIGN = {"-1": "negative", "0": "neutral", "1": "positive"}


def plan_known_scheme(
    scheme: LabelScheme,
    cells: Sequence[Any],
    columns: Sequence[str],
    options: DataOptions,
    *,
    names: Mapping[str, str] | None = None,
) -> LabelPlan:
    """Return how to read cells into a known scheme; numbers are positions of its labels.

    Raises `DataError` if no cell holds a label of the scheme.
    """
    if scheme.kind == "dimensional":
        return _plan_values(scheme, columns)
    if len(columns) > 1:
        if unknown := [column for column in columns if column not in scheme.names]:
            raise DataError(
                f"The label columns must be labels of scheme {scheme.name!r}: {', '.join(scheme.names)}. Got "
                f"{unknown[0]!r}.{suggest(unknown[0], scheme.names, ' Rename or remove it.')}"
            )
        return LabelPlan(scheme, "flags", tuple(columns))
    delimiter = options.delimiter
    labelled = [cell for cell in cells if not is_unlabelled(cell)]
    if delimiter is None and labelled and (form := find_vectors(labelled, columns[0], len(scheme.names))) is not None:
        note = (
            f"The lists of 0 and 1 in the {describe_columns(columns)} have the order of the labels of {scheme.name!r}."
        )
        return LabelPlan(scheme, "vector", scheme.names, delimiter=form.delimiter, notes=(note,))
    counts = count_names(cells)
    if delimiter is None and scheme.kind == "multi":
        # The labels are known: the separator is the one that yields most known labels or numbers of labels.
        spelled = {*scheme.names, *(names or map(str, range(len(scheme.names) + 1)))}
        delimiter = max(SEPARATORS, key=lambda mark: sum(n in spelled for c in counts for n in split_cell(c, mark)))
    found = {name for cell in counts for name in (split_cell(cell, delimiter) if delimiter else (cell,))}
    renames = dict(names or {})
    notes: tuple[str, ...] = ()
    if not renames and found and not found & set(scheme.names):
        renames = _map_numbers_to_labels(scheme, found)
        if renames:
            shown = ", ".join(f"{number} = {name}" for number, name in renames.items())
            notes = (f"Numbers in the {describe_columns(columns)} are read as labels of {scheme.name!r}: {shown}.",)
    known = {renames.get(name, name) for name in found} & set(scheme.names)
    if found and not known:
        raise DataError(
            f"No label in the {describe_columns(columns)} is one of scheme {scheme.name!r} "
            f"({', '.join(scheme.names)}). Got {', '.join(sorted(found)[:10])}. Choose another column with `label`."
        )
    shape = "names" if scheme.kind == "multi" or delimiter or any(as_list(c) is not None for c in cells) else "name"
    return LabelPlan(scheme, shape, delimiter=delimiter, renames=renames, notes=notes)  # type: ignore[arg-type]


def _plan_values(scheme: LabelScheme, columns: Sequence[str]) -> LabelPlan:
    """Return the plan for one column per dimension: matched by name, else by position, with a note."""
    if set(columns) == set(scheme.names):
        return LabelPlan(scheme, "values", tuple(columns))
    pairs = list(zip(columns, scheme.names, strict=False))
    if len(columns) != len(scheme.names) or any(one != name and one in scheme.names for one, name in pairs):
        raise DataError(
            f"The scheme {scheme.name!r} needs one column each for {', '.join(scheme.names)}. Got the "
            f"{describe_columns(columns)}. Select them with `label`, in this order."
        )
    taken = ", ".join(f"{one} = {name}" for one, name in pairs if one != name)
    return LabelPlan(scheme, "values", scheme.names, notes=(f"Columns are read as dimensions of the model: {taken}.",))


def _map_numbers_to_labels(scheme: LabelScheme, found: set[str]) -> dict[str, str]:
    """Return the label of each number if every name is the number of a label, counted from 0 or 1; else nothing."""
    if found == set(SENTIMENT_OF_SIGN) and set(scheme.names) == set(SENTIMENT_OF_SIGN.values()):
        return dict(SENTIMENT_OF_SIGN)
    for first in (0, 1):
        numbers = {str(number): name for number, name in enumerate(scheme.names, start=first)}
        if found <= set(numbers):
            return numbers
    return {}
