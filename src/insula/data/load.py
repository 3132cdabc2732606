"""Load a `Dataset`: read the source, infer the labels, split, remove leaks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from insula.core.errors import DataError, LeakError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.core.sentences import pluralise
from insula.data.columns import AUGMENTED_BY
from insula.data.dataset import SPLITS, Dataset
from insula.data.labels.infer import infer_labels
from insula.data.labels.known import plan_known_scheme
from insula.data.labels.names import read_label_names
from insula.data.options import DataOptions
from insula.data.sources.labelled_examples import build_labelled_examples, note_context, note_dropped
from insula.data.sources.paths import ALL
from insula.data.sources.raw_rows import RawSplit
from insula.data.sources.sources import Source, SourceName, find_source
from insula.data.splits.augmented import keep_augmented_in_train
from insula.data.splits.leak import remove_leaks
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
    """Return the examples of a source by split, with the label scheme inferred from its training rows.

    source       a file; several; a folder whose file names state the splits; a built-in name; `owner/name` on the hub
    text, label  columns; the same as in `options`
    seed         of the split, for sources without splits

    A source without splits is split in three. If a source has training rows but no validation rows, some training rows
    become validation rows; test rows are never taken from a source with splits. Training rows whose text is in
    validation or test are removed (`Dataset.overlaps`). Augmented rows (column `augmented_by`) are training rows only.
    Raises `DataError` if no usable row is left.
    """
    found = find_source(source, options.with_columns(text=text, label=label))
    notes = list(found.notes)
    found = _set_split_group(found, notes)
    options = found.options
    raw_splits = read_splits(found, notes)
    training = raw_splits.get("train") or raw_splits.get(ALL)
    if training is None:
        raise DataError(
            f"The data set {found.name!r} has no training rows, only {', '.join(raw_splits)}. Add a train file."
        )
    _require_rows(training, found.name)
    columns = _find_shared_label_columns(raw_splits, training)
    for role in ("votes", "subgroup", "pair"):
        column = getattr(options, role)
        if column is not None and (training.columns is None or getattr(training.columns, role) is None):
            raise DataError(
                f"The {role} column {column!r} is not in the training rows of {found.name!r}. Correct its name, or "
                "leave it out."
            )
    names = find_number_names(found, training, columns)
    plan = infer_labels([row.label for row in training.rows], columns, options, names=names)
    notes.append(_note_columns(training))
    notes.extend(plan.notes)
    splits: dict[str, list[Example]] = {}
    for split, raw in raw_splits.items():
        splits[split] = build_labelled_examples(raw, plan, language=found.language)
        title = "the source" if split == ALL else split
        notes.extend(raw.notes)
        notes.extend(note_context(title, splits[split], raw))
        notes.extend(note_dropped(title, raw))
        if splits[split]:
            continue
        if raw is training:
            raise DataError(
                f"No training row of {found.name!r} is usable. {notes[-1]} Correct the file, or choose other columns."
            )
        del splits[split]
        notes.append(f"No row of {split} is usable, so that split is ignored.")
    splits = _add_missing_splits(splits, plan.scheme, options, seed, notes)
    splits, augmented_notes = keep_augmented_in_train(splits)
    notes.extend(augmented_notes)
    guarded, overlaps, guard_notes = remove_leaks(splits, keep=options.keep_leaks)
    guard_notes += _note_lost_labels(splits["train"], guarded["train"], plan.scheme)
    if not any(example.weight for example in guarded["train"]):
        raise DataError(
            f"The weights of the training rows of {found.name!r} must not all be 0, or nothing is learned. "
            "Choose another column with `weight`."
        )
    return Dataset(
        name=found.name,
        scheme=plan.scheme,
        splits=guarded,
        notes=(*notes, *guard_notes),
        overlaps=overlaps,
        keeps_leaks=options.keep_leaks,
    )


def read_examples(
    source: SourceName, options: DataOptions, scheme: LabelScheme
) -> tuple[list[Example], tuple[str, ...]]:
    """Return the labelled rows of an evaluation file under a known scheme, and notes.

    If the source has splits, the test rows are read. Rows with labels unknown to the scheme are dropped and counted.
    Raises `DataError` if no row is left.
    """
    found = find_source(source, options)
    split = _choose_evaluation_split(found)
    raw = _read_split(found, split, scheme)
    _require_rows(raw, found.name)
    columns = raw.columns.labels if raw.columns else ()
    plan = plan_known_scheme(
        scheme, [row.label for row in raw.rows], columns, found.options, names=find_number_names(found, raw, columns)
    )
    examples = build_labelled_examples(raw, plan, language=found.language)
    used = [f"Evaluated on the {split} rows only."] if len(found.splits) > 1 else []
    counts = (*note_context(found.name, examples, raw), *note_dropped(found.name, raw))
    notes = (*found.notes, *used, _note_columns(raw), *plan.notes, *raw.notes, *counts, *_note_augmented(examples))
    if not examples:
        raise DataError(
            f"No row of {found.name!r} can be evaluated. {_note_columns(raw)} {notes[-1]} Correct the file, or choose "
            "other columns."
        )
    return examples, notes


def _set_split_group(found: Source, notes: list[str]) -> Source:
    """Return the source with dialogues or pairs as groups of a split, unless its options name another group."""
    options = found.options
    column = options.dialogue or options.pair
    if column is None or options.group is not None:
        return found
    notes.append(
        f"A split keeps the rows of one {'dialogue' if options.dialogue else 'pair'} (column {column!r}) on one side."
    )
    return dataclasses.replace(found, options=options.model_copy(update={"group": column}))


def has_column(source: SourceName, column: str, options: DataOptions = _DEFAULTS) -> bool:
    """Whether every file that `read_examples` would read has this column."""
    found = find_source(source, options)
    for open_file in found.splits[_choose_evaluation_split(found)]:
        with open_file() as reader:
            if column not in reader.columns:
                return False
    return True


def _choose_evaluation_split(found: Source) -> str:
    split = next((name for name in ("test", ALL) if name in found.splits), None)
    if split is None:
        raise DataError(
            f"The data set {found.name!r} has no test rows, only {', '.join(found.splits)}. "
            "Pass the file to evaluate on."
        )
    return split


def read_splits(found: Source, notes: list[str]) -> dict[str, RawSplit]:
    """Return the rows of each split of a source; choices are added to `notes`."""
    chosen = [split for split in (*SPLITS, ALL) if split in found.splits]
    if len(chosen) > 1 and ALL in chosen:
        chosen.remove(ALL)
        notes.append("The file with all rows was not read, because other files hold the splits.")
    return {split: _read_split(found, split) for split in chosen}


def _read_split(found: Source, split: str, scheme: LabelScheme | None = None) -> RawSplit:
    raw = RawSplit()
    for open_file in found.splits[split]:
        with open_file() as reader:
            raw.extend(reader, found.options, names=scheme.names if scheme else ())
    return raw


def _require_rows(raw: RawSplit, name: str) -> None:
    if not raw.rows:
        reasons = " ".join((*note_dropped(repr(name), raw), *raw.notes))
        raise DataError(
            f"The data set {name!r} has no row with a text. {reasons or 'It has no rows at all.'} Correct the "
            "file, or choose another one."
        )


def _find_shared_label_columns(raw_splits: Mapping[str, RawSplit], training: RawSplit) -> tuple[str, ...]:
    columns = training.columns.labels if training.columns else ()
    for split, raw in raw_splits.items():
        others = raw.columns.labels if raw.columns else columns
        if len(columns) + len(others) > 2 and others != columns:
            raise DataError(
                f"The label columns of {split} must be those of the training rows: {', '.join(columns)}. Got "
                f"{', '.join(others)}. Select them with `label`."
            )
    return columns


def find_number_names(found: Source, raw: RawSplit, columns: tuple[str, ...]) -> Mapping[str, str] | None:
    """Return the label names by number; None if neither a `label_names` file nor the source names them."""
    if found.options.label_names is not None:
        return read_label_names(found.options.label_names)
    return {**raw.value_names, **found.names}.get(columns[0]) if len(columns) == 1 else None


def _note_lost_labels(before: Sequence[Example], after: Sequence[Example], scheme: LabelScheme) -> tuple[str, ...]:
    """Name the labels that lost all training rows to the leak guard; `LeakError` if a single class is left."""
    had, left = ({label for example in rows for label in example.labels or ()} for rows in (before, after))
    lost = ", ".join(name for name in scheme.names if name in had - left)
    if not lost:
        return ()
    if scheme.kind != "multi" and len(left) < 2:
        raise LeakError(
            f"The training rows must hold at least two classes. Got only {', '.join(left)!r}: every text of {lost} "
            "is also in validation or test. Use different files, or one file and let insula split it."
        )
    return (f"No training row is left with the label {lost}: the texts are also in validation or test.",)


def _note_columns(raw: RawSplit) -> str:
    columns = raw.columns
    if columns is None:
        return ""
    attributes = {
        "id": columns.id,
        "language": columns.language,
        "group": columns.group,
        "weight": columns.weight,
        "votes": columns.votes,
        "subgroup": columns.subgroup,
        "pair": columns.pair,
        "augmenter": columns.augmented_by,
    }
    used = [f"text column {columns.text!r}", *(f"label column {name!r}" for name in columns.labels)]
    used += [f"{what} column {name!r}" for what, name in attributes.items() if name is not None]
    used += [f"{what} column {name!r}" for what, name in columns.conversation.named]
    return f"Columns used: {', '.join(used)}."


def _note_augmented(examples: Sequence[Example]) -> tuple[str, ...]:
    count = sum(example.augmented_by is not None for example in examples)
    if not count:
        return ()
    return (
        f"{count:,} of {pluralise(len(examples), 'row')} are augmented (column {AUGMENTED_BY!r}): copies are no "
        "independent rows, so the intervals are too narrow. Evaluate the original file.",
    )


def _add_missing_splits(
    splits: dict[str, list[Example]], scheme: LabelScheme, options: DataOptions, seed: int, notes: list[str]
) -> dict[str, list[Example]]:
    """Return the splits; missing ones are taken from the training rows."""
    if ALL in splits:
        rows, test_fraction, others = splits[ALL], options.test_fraction, {}
    elif "validation" not in splits:
        rows, test_fraction, others = splits["train"], 0.0, {name: splits[name] for name in splits if name != "train"}
    else:
        return splits
    new, split_notes = split_examples(
        rows, scheme, validation_fraction=options.validation_fraction, test_fraction=test_fraction, seed=seed
    )
    notes.extend(split_notes)
    return {**new, **others}
