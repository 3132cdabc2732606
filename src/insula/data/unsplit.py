"""Read a source that cannot be trained on: too few rows, one label, no labels, or test rows only."""

from __future__ import annotations

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
from insula.data.labels.infer import infer_labels
from insula.data.load import find_number_names, read_splits
from insula.data.options import DataOptions
from insula.data.sources.labelled_examples import build_labelled_examples, note_dropped
from insula.data.sources.paths import ALL
from insula.data.sources.raw_rows import RawSplit
from insula.data.sources.sources import Source, SourceName, find_source

WITHOUT_LABELS = LabelScheme("unlabelled", "single", ("unlabelled",))


def read_unsplit(source: SourceName, options: DataOptions) -> Dataset:
    """Return all rows of a source under its own splits (`all` for a source without splits), leaks included.

    If no scheme can be inferred from the labels, the examples have none and the scheme is `WITHOUT_LABELS`. Raises
    `DataError` if no row has a text.
    """
    found = find_source(source, options)
    try:
        return _read_labelled(found)
    except DataError:
        return _read_unlabelled(found)


def _read_labelled(found: Source) -> Dataset:
    notes = list(found.notes)
    raw_splits = read_splits(found, notes)
    first = next((raw for raw in raw_splits.values() if raw.rows), None)
    if first is None:  # such as weights that are not numbers; the texts can still be described
        raise DataError(f"No row of {found.name!r} can be read with its label. Check the columns of text and label.")
    columns = first.columns.labels if first.columns else ()
    cells = [row.label for raw in raw_splits.values() for row in raw.rows]
    plan = infer_labels(cells, columns, found.options, names=find_number_names(found, first, columns))
    splits = {split: build_labelled_examples(raw, plan, language=found.language) for split, raw in raw_splits.items()}
    for split, raw in raw_splits.items():
        notes.extend((*raw.notes, *note_dropped("the source" if split == ALL else split, raw)))
    return Dataset(found.name, plan.scheme, splits, (*notes, *plan.notes))


def _read_unlabelled(found: Source) -> Dataset:
    splits: dict[str, list[Example]] = {}
    for split, openers in found.splits.items():
        raw = RawSplit()
        for open_file in openers:
            with open_file() as reader:
                raw.extend(reader, found.options, labelled=False)
        splits[split] = [
            Example(text=row.text, turns=row.turns, speaker=row.speaker, target=row.target, language=found.language)
            for row in raw.rows
        ]
    if not any(splits.values()):
        raise DataError(f"The data set {found.name!r} has no row with a text. Choose the text column with `text`.")
    return Dataset(found.name, WITHOUT_LABELS, splits, found.notes)
