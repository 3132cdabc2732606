"""Infer the label scheme from the label column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.errors import DataError
from insula.core.scheme import Kind
from insula.core.sentences import pluralise, shorten
from insula.data.known_column_names import DIMENSIONS
from insula.data.labels.cells import (
    NONE,
    as_list,
    as_name,
    as_number,
    as_score,
    count_names,
    find_distinct_numbers,
    find_unsplit_mark,
    guess_delimiter,
    has_decimal_comma,
    has_object,
    is_spelled_missing,
    is_unlabelled,
    list_cell_names,
    split_cell,
)
from insula.data.labels.columns import plan_dimensions, plan_label_columns
from insula.data.labels.known import SENTIMENT_OF_SIGN, plan_known_scheme
from insula.data.labels.plan import LabelPlan, describe_columns
from insula.data.labels.schemes import (
    build_categorical_scheme,
    describe_kind,
    infer_kind_of_names,
    infer_kind_of_numbers,
)
from insula.data.labels.vectors import as_vector, find_vectors, name_vector_positions
from insula.data.options import DataOptions

_FREE_TEXT_LABELS = 50
_SHOWN = 80
_OTHER_KIND = {
    "ordinal": "If they are codes of classes, set `kind` to single.",
    "single": "If they are steps of a scale, set `kind` to ordinal.",
}


def infer_labels(
    cells: Sequence[Any], columns: Sequence[str], options: DataOptions, *, names: Mapping[str, str] | None = None
) -> LabelPlan:
    """Return how to read the label cells of the training rows, and the scheme inferred from them.

    cells    one per row; tuples if there are several label columns
    columns  names of the label columns
    names    number to name, from a `label_names` file or the features of a data set on the hub

    `options.kind`, `scheme` and `delimiter` are respected. Raises `DataError` if no row is labelled, there is a single
    class, or the cells contradict the options.
    """
    labelled = [cell for cell in cells if not _is_blank(cell)]
    null_notes = _note_nulls(cells, labelled) if len(columns) == 1 and options.scheme is None else ()
    if null_notes and not _is_none_label(labelled):
        labelled = [cell for cell in labelled if not _is_none(cell)]
    if not labelled:
        raise DataError(
            f"The {describe_columns(columns)} must hold a label in at least one row. All {len(cells)} rows are empty. "
            "Choose another column with `label`."
        )
    if options.scheme is not None:
        scheme = get_builtin_scheme(options.scheme)
        if options.kind not in (None, scheme.kind):
            raise DataError(
                f"The scheme {scheme.name!r} is {scheme.kind}. Got kind {options.kind!r}. Leave one of the two out."
            )
        plan = plan_known_scheme(scheme, labelled, columns, options, names=names)
    elif len(columns) > 1:
        plan = plan_label_columns(labelled, columns, options.kind)
    else:
        plan = _plan_one_column(labelled, columns[0], options, names or {})
    plan = plan.with_note(f"The labels come from the {describe_columns(columns)}: {describe_kind(plan.scheme)}.")
    for note in null_notes:
        plan = plan.with_note(note)
    return _note_labels(plan, labelled, columns)


def _plan_one_column(cells: Sequence[Any], column: str, options: DataOptions, names: Mapping[str, str]) -> LabelPlan:
    kind, delimiter = options.kind, options.delimiter
    if (found := next(filter(has_object, cells), None)) is not None:
        raise DataError(
            f"The label column {column!r} must hold names, numbers or lists of them. Got an object: "
            f"{shorten(str(found), _SHOWN)!r}. Turn each of its keys into a column, or keep the names only."
        )
    numbers = find_distinct_numbers(cells)
    if kind == "dimensional":
        return plan_dimensions(cells, (column,))
    if delimiter is None and numbers is None and (form := find_vectors(cells, column)) is not None:
        positions = name_vector_positions(form, column, names)
        vectors = [as_vector(cell, form.delimiter) or () for cell in cells]
        plan = replace(plan_label_columns(vectors, positions, kind), form="vector", delimiter=form.delimiter)
        how = "" if names else "; name them with `label_names`"
        return plan.with_note(f"The lists of 0 and 1 in {column!r} are read as one label per position{how}.")
    if (found := next(filter(_holds_score, cells), None)) is not None:
        raise DataError(
            f"The label column {column!r} must hold names, numbers or lists of names. Got a list of scores: "
            f"{shorten(str(found), _SHOWN)!r}. Write each position into a column, and name the columns with `label`."
        )
    # `2,5` is a score or two labels: the name of the column decides.
    scores = column.lower() in DIMENSIONS and None not in map(as_score, cells)
    if delimiter is None and numbers is None and not scores and kind in (None, "multi"):
        delimiter = guess_delimiter(count_names(cells))
    if kind == "multi" or delimiter or any(as_list(cell) is not None for cell in cells):
        return _plan_label_sets(cells, column, options, delimiter, names)
    if numbers is not None and not names:
        return _plan_numbers(column, numbers, kind)
    if kind is None and not names and any(map(has_decimal_comma, cells)) and None not in map(as_score, cells):
        plan = plan_dimensions(cells, (column,))
        return plan.with_note(f"The column {column!r} holds numbers with a decimal comma, read as scores.")
    order = _order_classes(count_names(cells), column, len(cells), names)
    kind = _check_kind(kind, infer_kind_of_names(frozenset(order)), column, order)
    scheme = build_categorical_scheme(column, order, kind, ordered=bool(names))
    if kind == "ordinal" and not names and scheme.name == column:
        raise DataError(
            f"The order of the labels in {column!r} is unknown: {', '.join(order[:10])}. "
            "Choose a `label_names` file with one label per line, lowest first."
        )
    plan = LabelPlan(scheme, "name", renames=names)
    return _note_unsplit(plan, column, order)


def _note_unsplit(plan: LabelPlan, column: str, names: Sequence[str]) -> LabelPlan:
    unsplit = find_unsplit_mark(names)
    if unsplit is None:
        return plan
    return plan.with_note(
        f"Some labels in {column!r} contain {unsplit!r} and were not split, because their pieces do not recur as "
        "labels. Set `delimiter` to split them."
    )


def _plan_label_sets(
    cells: Sequence[Any], column: str, options: DataOptions, delimiter: str | None, names: Mapping[str, str]
) -> LabelPlan:
    """Return the plan for lists and delimited text: any number of labels per row, unless `options.kind` allows one."""
    sets = [
        split_cell(cell, delimiter) if delimiter and as_list(cell) is None else list_cell_names(cell) for cell in cells
    ]
    order = _order_classes(Counter(name for several in sets for name in several), column, len(cells), names)
    kind: Kind = options.kind or "multi"
    if kind != "multi" and any(len(several) != 1 for several in sets):
        raise DataError(
            f"The kind {kind!r} needs exactly one label per row, and some rows of {column!r} have none or several. "
            "Correct them, or leave the kind out."
        )
    kind = _check_kind(options.kind, "multi", column, order)
    plan = LabelPlan(
        build_categorical_scheme(column, order, kind, ordered=bool(names)), "names", delimiter=delimiter, renames=names
    )
    if delimiter and options.delimiter is None:
        plan = plan.with_note(f"Several labels in a cell of {column!r} are separated by {delimiter!r}.")
    return _note_unsplit(plan, column, order)


def _plan_numbers(column: str, numbers: list[float], kind: Kind | None) -> LabelPlan:
    if len(numbers) == 1:
        raise DataError(_explain_one_class(column, f"{numbers[0]:g}"))
    inferred, reason = infer_kind_of_numbers(numbers)
    if (kind or inferred) == "dimensional":
        plan = plan_dimensions(numbers, (column,))
        how = "" if kind or not all(map(float.is_integer, numbers)) else f" {_OTHER_KIND['ordinal']}"
        return plan.with_note(f"The column {column!r} holds {reason}, read as scores.{how}")
    order = [as_name(number) for number in numbers]
    kind = _check_kind(kind, inferred, column, order)
    if kind == "single" and numbers == [-1, 0, 1]:
        plan = LabelPlan(get_builtin_scheme("sentiment3"), "name", renames=SENTIMENT_OF_SIGN)
    else:
        plan = LabelPlan(build_categorical_scheme(column, order, kind, ordered=kind != "binary"), "name")
    how = f". {_OTHER_KIND[inferred]}" if kind == inferred and inferred in _OTHER_KIND and numbers != [-1, 0, 1] else ""
    return plan.with_note(f"The column {column!r} holds {reason}{how or '.'}")


def _check_kind(given: Kind | None, inferred: Kind, column: str, order: Sequence[str]) -> Kind:
    if given == "binary" and len(order) != 2:
        raise DataError(
            f"The kind 'binary' needs two labels in {column!r}. Got {len(order)}: {', '.join(order[:10])}. Leave the "
            "kind out to infer it."
        )
    return given or inferred


def _order_classes(counts: Mapping[str, int], column: str, row_count: int, names: Mapping[str, str]) -> list[str]:
    """Return the labels, in the order of `names` if given; `DataError` if they cannot be classes."""
    if len(counts) < 2:
        raise DataError(_explain_one_class(column, repr(", ".join(counts))))
    if len(counts) > _FREE_TEXT_LABELS and len(counts) > row_count / 2:
        raise DataError(
            f"The label column {column!r} holds {len(counts)} different values in {row_count} rows, which looks like "
            "free text. Choose another column with `label`."
        )
    if names and (unknown := [name for name in counts if name not in names and name not in names.values()]):
        raise DataError(
            f"The label {unknown[0]!r} of {column!r} has no name in the `label_names` file, which names "
            f"{', '.join(names)}. Add it to the file."
        )
    return list(names.values()) if names else sorted(counts)


def _note_nulls(cells: Sequence[Any], labelled: Sequence[Any]) -> tuple[str, ...]:
    """Return notes on cells that spell a missing label."""
    words = Counter(cell.strip() for cell in cells if is_spelled_missing(cell))
    nones = sum(map(_is_none, labelled))
    notes = []
    if nones and _is_none_label(labelled):
        notes.append(
            f"The label {NONE!r} of {pluralise(nones, 'row')} is read as a label, because the other labels start with "
            "a capital letter, too. If it means that a label is missing, empty these cells."
        )
    elif nones:
        words[NONE] = nones
    if words:
        shown = ", ".join(map(repr, sorted(words)))
        notes.append(f"{pluralise(words.total(), 'label cell')} with {shown} read as missing.")
    return tuple(notes)


def _is_none(cell: Any) -> bool:
    return isinstance(cell, str) and cell.strip() == NONE


def _is_none_label(cells: Sequence[Any]) -> bool:
    """Whether `None` is a label like the others of a column, and not Python's text for a missing value."""
    names = {name for cell in cells if not _is_none(cell) for name in list_cell_names(cell)}
    return bool(names) and all(name[:1].isupper() and not name.isupper() for name in names)


def _note_labels(plan: LabelPlan, cells: Sequence[Any], columns: Sequence[str]) -> LabelPlan:
    if not plan.scheme.is_categorical:
        return plan
    sets = [labels for cell in cells if (labels := plan.read(cell).labels) is not None]
    counts = Counter(label for labels in sets for label in labels)
    always = [name for name in plan.scheme.names if len(sets) > 1 and counts[name] == len(sets)]
    if always and len(always) == len(counts):
        raise DataError(
            f"The {describe_columns(columns)} must hold labels that differ between rows. Got "
            f"{', '.join(always[:10])} in each of them: there is nothing to learn. Choose another column with `label`."
        )
    if always:
        plan = plan.with_note(f"Every training row has the label {', '.join(always[:10])}.")
    if rare := sorted(name for name, count in counts.items() if count == 1):
        word = "label has" if len(rare) == 1 else "labels have"
        plan = plan.with_note(f"{len(rare)} {word} one example only: {', '.join(rare[:10])}.")
    if unused := [name for name in plan.scheme.names if not counts[name]]:
        plan = plan.with_note(f"No training row has the label {', '.join(unused[:10])}.")
    folded: dict[str, list[str]] = {}
    for name in sorted(counts):
        folded.setdefault(name.casefold(), []).append(name)
    if twins := [" and ".join(several) for several in folded.values() if len(several) > 1]:
        plan = plan.with_note(f"Labels that differ only in case are different labels: {'; '.join(twins[:5])}.")
    return plan


def _holds_score(cell: Any) -> bool:
    """Whether a list has a number with decimals, which is no label."""
    if not isinstance(cell, list | tuple) and not (isinstance(cell, str) and "." in cell):
        return False
    return any((number := as_number(name)) is not None and not number.is_integer() for name in as_list(cell) or ())


def _is_blank(cell: Any) -> bool:
    return any(is_unlabelled(one) for one in cell) if isinstance(cell, tuple) else is_unlabelled(cell)


def _explain_one_class(column: str, only: str) -> str:
    return (
        f"The label column {column!r} must hold at least two classes. Got only {only}. "
        "Add rows of another class, or choose another column with `label`."
    )
