"""From what a user names to a `Dataset`: read, understand the labels, split, guard against leaks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from insula.core.errors import DataError, LeakError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.data.dataset import SPLITS, Dataset
from insula.data.labels.infer import infer_labels
from insula.data.labels.known import labels_for_scheme
from insula.data.labels.names import read_label_names
from insula.data.options import DataOptions
from insula.data.sources.labelled_examples import context_note, dropped_note, labelled_examples
from insula.data.sources.paths import ALL
from insula.data.sources.raw_rows import RawPart
from insula.data.sources.sources import Source, SourceName, find_source
from insula.data.splits.leak import guard
from insula.data.splits.split import split_examples

_DEFAULTS = DataOptions()


def load_dataset(
    source: SourceName,
    options: DataOptions = _DEFAULTS,
    *,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Dataset:
    """Return the examples of a source by split, with the scheme that its training labels make.

    source  a file; several; a folder whose file names give the splits; a built-in name; `owner/name` on the hub
    text, label   columns; short for the same options
    seed    of the split, where the source has none

    A source without splits is split in three. One with training rows but no validation gives some of them to
    validation; a test split is never taken from one with splits. Training rows whose text stands in validation or test
    are taken out (`Dataset.overlaps`). Raises `DataError` where nothing usable is left.
    """
    found = find_source(source, options.with_columns(text=text, label=label))
    notes = list(found.notes)
    found = _grouped_by_dialogue(found, notes)
    options = found.options
    parts = read_parts(found, notes)
    training = parts.get("train") or parts.get(ALL)
    if training is None:
        raise DataError(f"The data {found.name!r} have no training rows, only: {', '.join(parts)}. Add a train file.")
    _require_rows(training, found.name)
    columns = _same_label_columns(parts, training)
    if options.votes is not None and (training.columns is None or training.columns.votes is None):
        raise DataError(f"The votes column {options.votes!r} is not in the training rows of {found.name!r}. Check it.")
    plan = infer_labels([row.label for row in training.rows], columns, options, names=number_names(found, columns))
    notes.append(_columns_note(training))
    notes.extend(plan.notes)
    splits: dict[str, list[Example]] = {}
    for split, part in parts.items():
        splits[split] = labelled_examples(part, plan, language=found.language)
        called = "the source" if split == ALL else split
        notes.extend(part.notes)
        notes.extend(context_note(called, splits[split], part))
        notes.extend(dropped_note(called, part))
        if splits[split]:
            continue
        if part is training:
            raise DataError(f"No training row of {found.name!r} can be used. {notes[-1]}")
        del splits[split]
        notes.append(f"No row of {split} can be used, so there is no {split} split in the source.")
    splits = _completed(splits, plan.scheme, options, seed, notes)
    guarded, overlaps, guard_notes = guard(splits)
    guard_notes += _lost_labels(splits["train"], guarded["train"], plan.scheme)
    if not any(example.weight for example in guarded["train"]):
        raise DataError(
            f"The weights of the training rows of {found.name!r} must not all be 0: nothing would be learned. "
            "Name another column with `weight`."
        )
    return Dataset(name=found.name, scheme=plan.scheme, splits=guarded, notes=(*notes, *guard_notes), overlaps=overlaps)


def read_examples(
    source: SourceName, options: DataOptions, scheme: LabelScheme
) -> tuple[list[Example], tuple[str, ...]]:
    """Return the labelled rows of an evaluation file under a known scheme, and sentences on what was done.

    Of a source with splits the test rows are read. Rows with labels that the scheme does not have are dropped and
    counted. Raises `DataError` where no row is left.
    """
    found = find_source(source, options)
    split = _judged_part(found)
    part = _read_part(found, split, scheme)
    _require_rows(part, found.name)
    columns = part.columns.labels if part.columns else ()
    plan = labels_for_scheme(
        scheme, [row.label for row in part.rows], columns, found.options, names=number_names(found, columns)
    )
    examples = labelled_examples(part, plan, language=found.language)
    alone = [f"Judged on the {split} rows alone."] if len(found.parts) > 1 else []
    about = (*context_note(found.name, examples, part), *dropped_note(found.name, part))
    notes = (*found.notes, *alone, _columns_note(part), *plan.notes, *part.notes, *about)
    if not examples:
        raise DataError(f"No row of {found.name!r} can be evaluated on. {_columns_note(part)} {notes[-1]}")
    return examples, notes


def _grouped_by_dialogue(found: Source, notes: list[str]) -> Source:
    """Return a source whose dialogues are not parted by a split, unless its options name another group."""
    options = found.options
    if options.dialogue is None or options.group is not None:
        return found
    notes.append(f"Where rows are split, those of one dialogue (column {options.dialogue!r}) stay on one side.")
    return dataclasses.replace(found, options=options.model_copy(update={"group": options.dialogue}))


def has_column(source: SourceName, column: str, options: DataOptions = _DEFAULTS) -> bool:
    """Return whether each file that `read_examples` would read has this column."""
    found = find_source(source, options)
    for open_part in found.parts[_judged_part(found)]:
        with open_part() as reader:
            if column not in reader.columns:
                return False
    return True


def _judged_part(found: Source) -> str:
    split = next((name for name in ("test", ALL) if name in found.parts), None)
    if split is None:
        raise DataError(
            f"The data {found.name!r} have no test rows, only: {', '.join(found.parts)}. Name the file to evaluate on."
        )
    return split


def read_parts(found: Source, notes: list[str]) -> dict[str, RawPart]:
    """Return the rows of each split that a source has; a choice that is made is added to `notes`."""
    chosen = [split for split in (*SPLITS, ALL) if split in found.parts]
    if len(chosen) > 1 and ALL in chosen:
        chosen.remove(ALL)
        notes.append("The file with all rows was not read, since others hold the splits.")
    return {split: _read_part(found, split) for split in chosen}


def _read_part(found: Source, split: str, scheme: LabelScheme | None = None) -> RawPart:
    part = RawPart()
    for open_part in found.parts[split]:
        with open_part() as reader:
            part.extend(reader, found.options, names=scheme.names if scheme else ())
    return part


def _require_rows(part: RawPart, name: str) -> None:
    if not part.rows:
        reasons = " ".join((*dropped_note(repr(name), part), *part.notes))
        raise DataError(f"The data {name!r} have no row with text. {reasons or 'There are no rows at all.'}")


def _same_label_columns(parts: Mapping[str, RawPart], training: RawPart) -> tuple[str, ...]:
    columns = training.columns.labels if training.columns else ()
    for split, part in parts.items():
        others = part.columns.labels if part.columns else columns
        if len(columns) + len(others) > 2 and others != columns:
            raise DataError(
                f"The label columns of {split} must be those of the training rows: {', '.join(columns)}. "
                f"Got {', '.join(others)}; name them with `label`."
            )
    return columns


def number_names(found: Source, columns: tuple[str, ...]) -> Mapping[str, str] | None:
    """Return what numbers in the label column stand for, None where nothing says so."""
    if found.options.label_names is not None:
        return read_label_names(found.options.label_names)
    return found.names.get(columns[0]) if len(columns) == 1 else None


def _lost_labels(before: Sequence[Example], after: Sequence[Example], scheme: LabelScheme) -> tuple[str, ...]:
    """Say which labels went with the training rows that the leak guard took; `LeakError` where one class is left."""
    had, left = ({label for example in rows for label in example.labels or ()} for rows in (before, after))
    lost = ", ".join(name for name in scheme.names if name in had - left)
    if not lost:
        return ()
    if scheme.kind != "multi" and len(left) < 2:
        raise LeakError(
            f"The training rows must hold at least two classes. Got only {', '.join(left)!r}: every text of {lost} "
            "also stands in validation or test. Name different files, or one file and let insula split it."
        )
    return (f"No training row is left with the label {lost}: their texts also stand in validation or test.",)


def _columns_note(part: RawPart) -> str:
    columns = part.columns
    if columns is None:
        return ""
    attributes = {
        "id": columns.id,
        "language": columns.language,
        "group": columns.group,
        "weight": columns.weight,
        "votes": columns.votes,
    }
    used = [f"text column {columns.text!r}", *(f"label column {name!r}" for name in columns.labels)]
    used += [f"{what} column {name!r}" for what, name in attributes.items() if name is not None]
    used += [f"{what} column {name!r}" for what, name in columns.conversation.named]
    return f"Columns used: {', '.join(used)}."


def _completed(
    splits: dict[str, list[Example]], scheme: LabelScheme, options: DataOptions, seed: int, notes: list[str]
) -> dict[str, list[Example]]:
    """Return the splits with those that are missing taken from the training rows."""
    if ALL in splits:
        rows, test_fraction, rest = splits[ALL], options.test_fraction, {}
    elif "validation" not in splits:
        rows, test_fraction, rest = splits["train"], 0.0, {name: splits[name] for name in splits if name != "train"}
    else:
        return splits
    made, made_notes = split_examples(
        rows, scheme, validation_fraction=options.validation_fraction, test_fraction=test_fraction, seed=seed
    )
    notes.extend(made_notes)
    return {**made, **rest}
