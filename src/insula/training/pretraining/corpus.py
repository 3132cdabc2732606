"""The texts of pretraining: without near-duplicates and texts of evaluation sets, some of them held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from insula.core.errors import DataError
from insula.core.sentences import pluralise
from insula.data.formats.formats import DETECTED, ReadOptions
from insula.data.sources.unlabelled import read_texts
from insula.data.splits.near_duplicates import cluster_near_duplicates
from insula.text.comparison import build_comparison_key

MAX_HELD_OUT = 2000
MIN_TEXTS = 2  # one to train on, one to measure on


@dataclass(frozen=True)
class Corpus:
    """Training texts and held-out texts.

    read      number of texts in the files
    repeated  number of near-duplicates that were removed
    excluded  number of texts that were removed since they are, or nearly are, among the texts to exclude
    notes     messages for the user
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
    reading: ReadOptions = DETECTED,
    held_out: float = 0.05,
    seed: int = 0,
) -> Corpus:
    """Return the corpus of the files, with the first of near-duplicates and without texts near one of `exclude`.

    text      text column, also of those files of `exclude` that have it; None to detect it from common column names
    reading   format, separator and header of all files, where they are not detected
    held_out  share of the texts to hold out, at most 2,000

    Raises `DataError` if fewer than two texts are left, `MissingFileError`.
    """
    texts, notes = read_texts(files, text=text, reading=reading)
    forbidden, more = read_texts(exclude, likely=text, reading=reading) if exclude else ([], ())
    clusters = cluster_near_duplicates([*forbidden, *texts], seed=seed)
    excluded_clusters = set(clusters[: len(forbidden)])
    kept: dict[int, str] = {}
    excluded = 0
    for one, cluster in zip(texts, clusters[len(forbidden) :], strict=True):
        if cluster in excluded_clusters:
            excluded += 1
        elif build_comparison_key(one):
            kept.setdefault(cluster, one)
    distinct = list(kept.values())
    if len(distinct) < MIN_TEXTS:
        raise DataError(
            f"Pretraining needs at least {MIN_TEXTS} different texts. Got {len(distinct)} among "
            f"{pluralise(len(texts), 'text')}. Pass more files."
        )
    count = min(max(1, round(len(distinct) * held_out)), MAX_HELD_OUT, len(distinct) - 1)
    aside = set(np.random.default_rng(seed).choice(len(distinct), size=count, replace=False).tolist())
    repeated = len(texts) - excluded - len(distinct)
    summary = (
        f"{pluralise(len(distinct), 'text')} of {len(texts):,} used: {repeated:,} are near-duplicates or empty, "
        f"{excluded:,} are among the texts to exclude; {count:,} are held out."
    )
    return Corpus(
        train=tuple(one for row, one in enumerate(distinct) if row not in aside),
        held_out=tuple(one for row, one in enumerate(distinct) if row in aside),
        read=len(texts),
        repeated=repeated,
        excluded=excluded,
        notes=(*notes, *more, summary),
    )
