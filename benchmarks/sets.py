"""The data sets of the benchmarks: where they stand, how they are read, by what they are judged.

`tweets` and `reviews-zh` come with insula; the others are read from `../shared/data/ready` beside the clone. Sets
without splits of their own are split with seed 0 whatever the seed of the training, so that all cells of a set answer
the same test rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from insula.core.example import Example
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.data.splits.leak import remove_leaks
from insula.data.splits.split import split_examples

SHARED = Path(__file__).parent.parent.parent / "shared"
READY = SHARED / "data" / "ready"
E5 = str(SHARED / "models" / "e5-small-en-zh")
FOLDS = 10


@dataclass(frozen=True)
class Set:
    """A data set.

    source   what `load_dataset` is given
    options  how its rows are read
    folds    True where it is judged by ten-fold cross-validation
    """

    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    folds: bool = False

    @property
    def missing(self) -> str | None:
        """The folder that is not there; None where all is."""
        return self.source if "/" in self.source and not Path(self.source).exists() else None


def _ready(name: str, **settings: Any) -> Set:
    return Set(str(READY / name), **settings)


SETS = {
    "tweets": Set("tweets"),
    "reviews-zh": Set("reviews-zh"),
    "carer": _ready("carer"),
    "goemotions": _ready("goemotions"),
    "tweeteval_emotion": _ready("tweeteval_emotion"),
    "sst2": _ready("sst2"),
    "smp2020_usual": _ready("smp2020_usual"),
    "smp2020_virus": _ready("smp2020_virus"),
    "semeval_ec": _ready("semeval_ec"),
    "semeval_valence": _ready("semeval_valence"),
    "emobank": _ready("emobank", options={"label": "valence"}),
    "hotel_zh": _ready("hotel_zh"),
    "imdb": _ready("imdb"),
    "mr": _ready("mr", folds=True),
    "meld": _ready("meld", options={"label": "label", "dialogue": "dialogue", "turn": "turn", "speaker": "speaker"}),
}


def load(name: str, fold: int | None = None) -> Dataset:
    """Return the set by split; with `fold` (0 to 9) the rows of that fold are its test rows."""
    known = SETS[name]
    data = load_dataset(known.source, DataOptions(**known.options), seed=0)
    return data if fold is None else _fold(data, fold)


def _fold(data: Dataset, fold: int) -> Dataset:
    """Return fold `fold` of ten, labels in proportion, as test rows; a tenth of the others is validation."""
    # The loader's order by split is no secret of the rows: they are sorted before they are shuffled.
    rows = sorted((row for split in data.splits.values() for row in split), key=lambda row: (row.labels, row.text))
    generator = np.random.default_rng(0)
    owner = np.empty(len(rows), dtype=int)
    for label in sorted({row.labels for row in rows if row.labels}):
        places = np.flatnonzero([row.labels == label for row in rows])
        owner[generator.permutation(places)] = np.arange(len(places)) % FOLDS
    test = [row for row, own in zip(rows, owner, strict=True) if own == fold]
    rest: list[Example] = [row for row, own in zip(rows, owner, strict=True) if own != fold]
    splits, notes = split_examples(rest, data.scheme, validation_fraction=0.1, test_fraction=0.0, seed=0)
    guarded, overlaps, guard_notes = remove_leaks({**splits, "test": test})
    return Dataset(data.name, data.scheme, guarded, (*notes, *guard_notes), overlaps)
