"""`describe_data` and `list_data`: look at data before training."""

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
    """Describe a data set: rows, languages, lengths, label balance, duplicates, conflicts, dropped rows and reasons.

    Data that cannot be trained on (too few rows, one label or none, only test rows) is described as far as possible;
    the last note gives the reason. Raises `DataError` if there is no text.
    """
    chosen = options or DataOptions()
    try:
        return describe(load_dataset(source, chosen, seed=seed), seed=seed)
    except DataError as error:
        try:
            undivided = read_unsplit(source, chosen)
        except DataError:
            raise error from None
        notes = (*undivided.notes, f"This data cannot be trained on. {error}")
        return describe(dataclasses.replace(undivided, notes=notes), seed=seed)


def list_data() -> list[SourceInfo]:
    """Return the built-in data sets: name, rows, labels, licence, whether they are installed."""
    return list_sources()
