"""A source as it stands, where no data set can be made of it: too few rows, one label, none, or test rows alone."""

from __future__ import annotations

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
from insula.data.labels.infer import infer_labels
from insula.data.load import number_names, read_parts
from insula.data.options import DataOptions
from insula.data.sources.labelled_examples import dropped_note, labelled_examples
from insula.data.sources.paths import ALL
from insula.data.sources.raw_rows import RawPart
from insula.data.sources.sources import Source, SourceName, find_source

WITHOUT_LABELS = LabelScheme("unlabelled", "single", ("unlabelled",))


def read_undivided(source: SourceName, options: DataOptions) -> Dataset:
    """Return the rows of a source under the splits it has itself (one without splits: `all`), nothing taken out.

    Where the labels make no scheme the examples have none, and the scheme is `WITHOUT_LABELS`. Raises `DataError` where
    there is not even a text.
    """
    found = find_source(source, options)
    try:
        return _labelled(found)
    except DataError:
        return _unlabelled(found)


def _labelled(found: Source) -> Dataset:
    notes = list(found.notes)
    parts = read_parts(found, notes)
    first = next((part for part in parts.values() if part.rows), None)
    if first is None:  # their weights may be no numbers; the texts can be described all the same
        raise DataError(f"No row of {found.name!r} can be read with its label.")
    columns = first.columns.labels if first.columns else ()
    cells = [row.label for part in parts.values() for row in part.rows]
    plan = infer_labels(cells, columns, found.options, names=number_names(found, columns))
    splits = {split: labelled_examples(part, plan, language=found.language) for split, part in parts.items()}
    for split, part in parts.items():
        notes.extend((*part.notes, *dropped_note("the source" if split == ALL else split, part)))
    return Dataset(found.name, plan.scheme, splits, (*notes, *plan.notes))


def _unlabelled(found: Source) -> Dataset:
    splits: dict[str, list[Example]] = {}
    for split, openers in found.parts.items():
        part = RawPart()
        for open_part in openers:
            with open_part() as reader:
                part.extend(reader, found.options, labelled=False)
        splits[split] = [
            Example(text=row.text, turns=row.turns, speaker=row.speaker, target=row.target, language=found.language)
            for row in part.rows
        ]
    if not any(splits.values()):
        raise DataError(f"The data {found.name!r} have no row with text. Check the column with `text`.")
    return Dataset(found.name, WITHOUT_LABELS, splits, found.notes)
