"""The texts of pretraining: each once, none of an evaluation set, some held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from insula.core.errors import DataError
from insula.core.sentences import counted
from insula.data.sources.unlabelled import read_texts
from insula.data.splits.near_duplicates import near_duplicate_clusters
from insula.text.comparison import comparison_key

MOST_HELD_OUT = 2000
FEWEST = 2  # one text to learn from, one to measure on


@dataclass(frozen=True)
class Corpus:
    """Texts to learn from and texts to measure on.

    read      how many texts the files held
    repeated  how many said almost the same as another one and were left out
    excluded  how many were left out since they stand, or almost stand, in the texts to exclude
    notes     sentences on what was done
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    read: int
    repeated: int
    excluded: int
    notes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The hexadecimal SHA-256 of all texts, in order."""
        digest = hashlib.sha256()
        for part in (self.train, self.held_out):
            digest.update(repr(part).encode())
        return digest.hexdigest()


def read_corpus(
    files: Sequence[str | Path],
    exclude: Sequence[str | Path] = (),
    *,
    text: str | None = None,
    held_out: float = 0.05,
    seed: int = 0,
) -> Corpus:
    """Return the corpus of the files: of near-duplicates the first, and none near a text of `exclude`.

    `text` is their column, and that of those files of `exclude` that have it; `held_out` is the share to measure on.
    Raises `DataError` where fewer than two texts are left, `MissingFileError`.
    """
    texts, notes = read_texts(files, text=text)
    barred, more = read_texts(exclude, likely=text) if exclude else ([], ())
    clusters = near_duplicate_clusters([*barred, *texts], seed=seed)
    barred_clusters = set(clusters[: len(barred)])
    kept: dict[int, str] = {}
    excluded = 0
    for one, cluster in zip(texts, clusters[len(barred) :], strict=True):
        if cluster in barred_clusters:
            excluded += 1
        elif comparison_key(one):
            kept.setdefault(cluster, one)
    distinct = list(kept.values())
    if len(distinct) < FEWEST:
        raise DataError(
            f"The texts to pretrain on must be at least {FEWEST} that differ. Got {len(distinct)} of "
            f"{counted(len(texts), 'text')}. Name more files."
        )
    count = min(max(1, round(len(distinct) * held_out)), MOST_HELD_OUT, len(distinct) - 1)
    aside = set(np.random.default_rng(seed).choice(len(distinct), size=count, replace=False).tolist())
    repeated = len(texts) - excluded - len(distinct)
    said = (
        f"{counted(len(distinct), 'text')} of {len(texts):,}: {repeated:,} say almost the same as another or nothing, "
        f"{excluded:,} stand in the texts to exclude; {count:,} are held out.",
    )
    return Corpus(
        train=tuple(one for row, one in enumerate(distinct) if row not in aside),
        held_out=tuple(one for row, one in enumerate(distinct) if row in aside),
        read=len(texts),
        repeated=repeated,
        excluded=excluded,
        notes=(*notes, *more, *said),
    )
