"""`Dataset`: examples by split under one label scheme, with notes on how they were read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.core.sentences import build_html_table, pluralise

SPLITS = ("train", "validation", "test")
SHOWN_LABELS = 8  # per split, in a notebook


@dataclass(frozen=True, repr=False)
class Dataset:
    """Examples by split.

    name      name of the source in reports
    scheme    the labels
    splits    `train`, `validation`, `test`, those that exist; every example is labelled
    notes     sentences for people: what was inferred, dropped, split, warned about
    overlaps  for `validation` and `test`: hashes (`hash_row`) of rows that were also training rows of the source; those
              were removed from `train`
    keeps_leaks   True if training rows with such texts were kept on request: scores then include memorised texts
    augmented  copies of training rows: one list for every epoch of a training, or one list for each epoch
    also      data sets with labels of their own, trained together with this one (multi-task training)
    """

    name: str
    scheme: LabelScheme
    splits: Mapping[str, Sequence[Example]]
    notes: tuple[str, ...] = ()
    overlaps: Mapping[str, frozenset[int]] = field(default_factory=dict)
    keeps_leaks: bool = False
    augmented: Sequence[Sequence[Example]] = ()
    also: Sequence[Dataset] = ()

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {len(examples):,}" for name, examples in self.splits.items())
        return f"Dataset({self.name!r}, {self._list_labels()}, {rows})"

    def _repr_html_(self) -> str:
        """Show the splits with their most frequent labels in a notebook."""
        rows = []
        for name, examples in self.splits.items():
            counts = Counter(label for example in examples for label in example.labels or ())
            common = [f"{label} {count:,}" for label, count in counts.most_common(SHOWN_LABELS)]
            more = [f"{len(counts) - SHOWN_LABELS} more"] if len(counts) > SHOWN_LABELS else []
            rows.append((name, f"{len(examples):,}", ", ".join([*common, *more]) or "–"))
        notes = f"{pluralise(len(self.notes), 'note')} in .notes" if self.notes else ""
        return build_html_table(f"{self.name}: {self._list_labels()}", ("split", "rows", "labels"), rows, notes)

    def _list_labels(self) -> str:
        what = "label" if self.scheme.is_categorical else "dimension"
        return f"{self.scheme.kind}, {pluralise(len(self.scheme.names), what)}"

    def split(self, name: str) -> Sequence[Example]:
        """Return the examples of a split; `DataError` if the data set has no split of that name."""
        if name not in self.splits:
            raise DataError(
                f"The data set {self.name!r} has no split {name!r}; its splits are {', '.join(self.splits)}. Choose a "
                "file or folder with that split, or let insula split the rows."
            )
        return self.splits[name]

    @property
    def training_rows(self) -> list[Example]:
        """The split `train`, followed by all augmented rows."""
        return [*self.split("train"), *(example for rows in self.augmented for example in rows)]
