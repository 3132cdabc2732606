"""`describe_data` and `list_data`: what there is, before anything is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from insula.core.errors import DataError
from insula.data.describe import describe
from insula.data.description import Description
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.data.sources.sources import SourceInfo, list_sources
from insula.data.unsplit import read_unsplit


def describe_data(
    source: str | Path | Sequence[str | Path], options: DataOptions | None = None, *, seed: int = 0
) -> Description:
    """Return rows, languages, lengths, label balance, duplicates, conflicts and what would be dropped and why.

    Of data that cannot be trained on (too few rows, one label, none, test rows alone) what can be said is said, and the
    last note is the reason. Raises `DataError` where there is not even a text.
    """
    chosen = options or DataOptions()
    try:
        return describe(load_dataset(source, chosen, seed=seed), seed=seed)
    except DataError as refusal:
        try:
            undivided = read_unsplit(source, chosen)
        except DataError:
            raise refusal from None
        notes = (*undivided.notes, f"These data cannot be trained on as they are. {refusal}")
        return describe(dataclasses.replace(undivided, notes=notes), seed=seed)


def list_data() -> list[SourceInfo]:
    """Return the built-in data sets: name, rows, labels, licence, whether they are installed."""
    return list_sources()
