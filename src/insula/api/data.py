"""`describe_data` and `list_data`: what there is, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from insula.data.describe import describe
from insula.data.description import Description
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.data.sources import SourceInfo, list_sources


def describe_data(
    source: str | Path | Sequence[str | Path], options: DataOptions | None = None, *, seed: int = 0
) -> Description:
    """Return rows, languages, lengths, label balance, duplicates, conflicts and what would be dropped and why."""
    return describe(load_dataset(source, options or DataOptions(), seed=seed), seed=seed)


def list_data() -> list[SourceInfo]:
    """Return the built-in data sets: name, rows, labels, licence, whether they are installed."""
    return list_sources()
