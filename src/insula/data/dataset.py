"""`Dataset`: examples by split under one label scheme, with notes on how they were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Dataset:
    """Examples by split.

    name      name of the source in reports
    scheme    the labels
    splits    `train`, `validation`, `test`, those that exist; every example is labelled
    notes     sentences for people: what was inferred, dropped, split, warned about
    overlaps  for `validation` and `test`: hashes (`row_hash`) of rows that were also training rows of the source; those
              were removed from `train`
    keeps_leaks   True if training rows with such texts were kept on request: scores then include memorised texts
    also      data sets with labels of their own, trained together with this one (multi-task training)
    """

    name: str
    scheme: LabelScheme
    splits: Mapping[str, Sequence[Example]]
    notes: tuple[str, ...] = ()
    overlaps: Mapping[str, frozenset[int]] = field(default_factory=dict)
    keeps_leaks: bool = False
    also: Sequence[Dataset] = ()

    def split(self, name: str) -> Sequence[Example]:
        """Return the examples of a split; `DataError` if the data set has no split of that name."""
        if name not in self.splits:
            raise DataError(
                f"The data set {self.name!r} has no split {name!r}; it has: {', '.join(self.splits)}. "
                "Name a file or folder that holds one, or let insula split the rows."
            )
        return self.splits[name]
