"""Read texts without labels from files of any format, for pretraining, distillation and benchmarks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from insula.core.errors import DataError
from insula.core.sentences import pluralise
from insula.data.cell_paths import build_cell_getter
from insula.data.columns import find_text_columns
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows
from insula.data.formats.line_rows import LineRows
from insula.data.formats.row_reader import RowReader
from insula.data.labels.cells import as_name, is_missing, is_not_text
from insula.data.options import DataOptions
from insula.data.sources.sources import SourceName, find_source
from insula.data.splits.compared import EMPTY, hash_text
from insula.data.splits.leak import Fingerprint

TextColumns = str | Sequence[str] | None


def read_texts(
    files: Sequence[str | Path],
    *,
    text: TextColumns = None,
    likely: str | None = None,
    max_length: int = 20_000,
    reading: ReadOptions = DETECTED,
) -> tuple[list[str], tuple[str, ...]]:
    """Return the texts of all files, in order, and notes on the rows left out.

    text        text column (default: detected from common column names); plain lines have none
    likely      column preferred to common names, in files that have it
    max_length  characters kept of one text
    reading     format, separator and header of the files, where they are not detected

    Rows that cannot be read or have no text are counted and left out. Raises `DataError` if no text is left,
    `MissingFileError`.
    """
    texts: list[str] = []
    notes: list[str] = []
    for file in files:
        with open_rows(file, on_reject=lambda _: None, **reading._asdict()) as reader:
            named = text or (likely if likely in reader.columns else None)
            texts += _read_texts(reader, None if isinstance(reader, LineRows) else named, str(file), max_length, notes)
    if not texts:
        raise DataError(
            f"The files of unlabelled texts must hold at least one text. Got none in {', '.join(map(str, files))}. "
            "Check the files, or name the text column with `text`."
        )
    return texts, tuple(notes)


def read_source_texts(source: SourceName, options: DataOptions, *, text: TextColumns = None) -> list[str]:
    """Return the texts of all rows of a source as `find_source` resolves it, labelled or not.

    The column is `text` (default: the one in the options if the source has it, else one with a common name).
    """
    found = find_source(source, options)
    texts: list[str] = []
    for open_file in itertools.chain.from_iterable(found.splits.values()):
        with open_file() as reader:
            known = found.options.text
            names = (known,) if isinstance(known, str) else known or ()
            usual = known if names and set(names) <= set(reader.columns) else None
            texts += _read_texts(reader, text or usual, found.name, found.options.max_text_length, [])
    return texts


def _read_texts(reader: RowReader, named: TextColumns, where: str, max_length: int, notes: list[str]) -> list[str]:
    """Return the texts of one reader; add rows left out to `notes`."""
    text_of = build_cell_getter(find_text_columns(reader.columns, named, repr(where)), reader.columns)
    texts: list[str] = []
    missing = 0
    for batch in reader:
        for row in batch.rows:
            value = text_of(row)
            if is_missing(value) or is_not_text(value):
                missing += 1
            else:
                texts.append((value if isinstance(value, str) else as_name(value))[:max_length])
    missing += reader.reject_count
    notes.extend(f"{where!r}: {warning}" for warning in reader.warnings)
    if missing:
        notes.append(f"{pluralise(missing, 'row')} of {where!r} had no readable text and were left out.")
    return texts


def select_new_texts(texts: Iterable[str], *known: Fingerprint) -> tuple[list[str], tuple[int, ...]]:
    """Return each text once, without those in `known`, and the number of texts found in each of these.

    Texts are compared as the leak guard compares them; a text with nothing to compare is left out.
    """
    given = list(texts)
    counts = []
    for fingerprint in known:
        seen = fingerprint.find_seen(given)
        counts.append(int(seen.sum()))
        given = [one for one, is_known in zip(given, seen, strict=True) if not is_known]
    first: dict[int, str] = {}
    for one in given:
        first.setdefault(hash_text(one), one)
    first.pop(EMPTY, None)
    return list(first.values()), tuple(counts)
