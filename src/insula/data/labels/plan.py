"""`LabelPlan`: how label cells become labels of a scheme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

from insula.core.scheme import LabelScheme
from insula.data.labels.cells import NONE, as_list, as_name, as_score, is_missing, is_unlabelled, split_cell
from insula.data.labels.vectors import as_vector


class LabelReading(NamedTuple):
    """Labels or values of one row, or the reason why it has none."""

    labels: tuple[str, ...] | None = None
    values: tuple[float, ...] | None = None
    problem: str | None = None


MISSING = LabelReading(problem="without a label")


@dataclass(frozen=True)
class LabelPlan:
    """The plan for reading cells.

    scheme     the labels
    form       name: one name; names: a list or delimited text; flags: 0/1 in `columns`; vector: 0/1 in one cell;
               values: scores in `columns`
    columns    label or dimension of each column or position, in the order of the cells (flags, vector and values)
    delimiter  separator of names or positions in a cell
    renames    name in a cell to label
    notes      sentences on what was inferred
    """

    scheme: LabelScheme
    form: Literal["name", "names", "flags", "vector", "values"]
    columns: tuple[str, ...] = ()
    delimiter: str | None = None
    renames: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def with_note(self, note: str) -> LabelPlan:
        """Return the plan with one more note."""
        return replace(self, notes=(*self.notes, note))

    def read(self, cell: Any) -> LabelReading:
        """Read one cell, or a tuple of cells for several label columns."""
        if self.form == "name":
            return MISSING if self._is_unlabelled(cell) else self._check_labels((as_name(cell),))
        if self.form == "names":
            return self._read_names(cell)
        if self.form == "vector":
            return self._read_vector(cell)
        cells = cell if isinstance(cell, tuple) else (cell,)
        numbers = [as_score(one) for one in cells]
        if None in numbers:
            bad = next(one for one, number in zip(cells, numbers, strict=True) if number is None)
            return (
                MISSING if is_unlabelled(bad) else LabelReading(problem=f"with {as_name(bad)!r} in place of a number")
            )
        named = dict(zip(self.columns, numbers, strict=True))
        if self.form == "flags":
            if not set(numbers) <= {0, 1}:
                return LabelReading(problem="with a number that is neither 0 nor 1")
            return self._check_labels(tuple(name for name, number in named.items() if number))
        return LabelReading(values=tuple(named[name] or 0.0 for name in self.scheme.names))

    def _read_names(self, cell: Any) -> LabelReading:
        names = as_list(cell)
        if names is None:
            if cell is None:
                return MISSING
            if is_missing(cell):
                # Text formats cannot write the empty set of labels in another way.
                return self._check_labels(()) if self.scheme.kind == "multi" and isinstance(cell, str) else MISSING
            if self._is_unlabelled(cell):
                return MISSING
            names = split_cell(cell, self.delimiter) if self.delimiter else (as_name(cell),)
        return self._check_labels(names)

    def _read_vector(self, cell: Any) -> LabelReading:
        vector = as_vector(cell, self.delimiter)
        if vector is None:
            return MISSING if is_unlabelled(cell) else LabelReading(problem="without a list of 0 and 1")
        if len(vector) != len(self.columns):
            return LabelReading(problem=f"with a list of {len(vector)} positions in place of {len(self.columns)}")
        return self._check_labels(tuple(name for name, flag in zip(self.columns, vector, strict=True) if flag))

    def _is_unlabelled(self, cell: Any) -> bool:
        """Whether a label is missing; a word such as `NA` is a label if the scheme has it."""
        if is_missing(cell):
            return True
        if not isinstance(cell, str) or not (is_unlabelled(cell) or cell.strip() == NONE):
            return False
        name = as_name(cell)
        return self.renames.get(name, name) not in self._positions

    def _check_labels(self, names: tuple[str, ...]) -> LabelReading:
        labels = tuple(self.renames.get(name, name) for name in names)
        unknown = next((label for label in labels if label not in self._positions), None)
        if unknown is not None:
            return LabelReading(problem=f"with the unknown label {unknown!r}")
        if self.scheme.kind != "multi" and len(labels) != 1:
            return LabelReading(problem="with several labels" if labels else "without a label")
        if len(labels) > 1:
            labels = tuple(sorted(set(labels), key=self._positions.__getitem__))
        return LabelReading(labels=labels)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.scheme.names)}


def describe_columns(columns: Sequence[str]) -> str:
    """Return the label columns as part of a sentence."""
    return f"label column{'s' if len(columns) > 1 else ''} {', '.join(repr(column) for column in columns)}"
