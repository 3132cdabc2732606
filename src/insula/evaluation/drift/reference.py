"""`DriftReference`: what the texts that a model was evaluated on look like, as counts, without any text.

It is stored in the model folder, so that a monitor finds drift without the texts. Numbers are counted between quantiles
of the reference, which loses little: the Kolmogorov-Smirnov distance is exact at the bounds. Words are known by a hash,
and only if several texts have them: a name that one person wrote is not in it.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from insula import __version__
from insula.core.arrays import Float64Array
from insula.core.decision import Decisions
from insula.core.errors import NewerFormatError
from insula.core.files import write_text
from insula.core.scheme import LabelScheme
from insula.evaluation.drift.drift import (
    ALPHA,
    COMPONENTS,
    MIN_ROWS,
    MIN_SIZE,
    AspectDrift,
    Drift,
    Features,
    TestResult,
    compare_label_counts,
    compare_shares,
    compute_distance_p_value,
    compute_unknown_shares,
    flag_drift,
    name_language,
    require_rows,
    split_words,
)
from insula.evaluation.drift.estimate import EstimatedQuality, estimate_quality

FILE = "drift.json"
FORMAT_VERSION = 1
BINS = 64
NO_REFERENCE = (
    "The model has no reference for drift: an earlier insula trained it, or there were fewer than 50 validation rows."
)
MIN_WORD_ROWS = 2  # texts that must have a word
MAX_WORDS = 50_000
EMBEDDING = "embedding"


@dataclass
class TextCounts:
    """Counts of texts; those of several batches can be added up.

    labels     texts by label
    languages  texts by language
    bins       by aspect, texts between the bounds of the reference; of the embedding one row for each component
    sums       by aspect, the sum of the numbers
    """

    rows: int = 0
    labels: list[int] = field(default_factory=list)
    languages: Counter[str] = field(default_factory=Counter)
    bins: dict[str, list[list[int]]] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "rows": self.rows, "labels": self.labels, "languages": dict(self.languages), "bins": self.bins,
            "sums": self.sums,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Return the counts that `to_dict` describes."""
        return cls(row["rows"], row["labels"], Counter(row["languages"]), row["bins"], row["sums"])

    def add(self, other: Self) -> Self:
        """Return the sum of both; the bounds must be the same."""
        if not self.rows:
            return other
        return dataclasses.replace(
            self,
            rows=self.rows + other.rows,
            labels=(np.array(self.labels) + np.array(other.labels)).tolist(),
            languages=self.languages + other.languages,
            bins={name: (np.array(rows) + np.array(other.bins[name])).tolist() for name, rows in self.bins.items()},
            sums={name: total + other.sums[name] for name, total in self.sums.items()},
        )


@dataclass(frozen=True)
class Observed:
    """Texts as the reference sees them, a row each.

    labels   (rows, labels) whether each label is predicted
    places   by aspect (rows, numbers) between which bounds each number is
    numbers  by aspect (rows,) the numbers; of the embedding the distances from the centre
    """

    labels: NDArray[np.bool_]
    languages: Sequence[str]
    places: Mapping[str, NDArray[np.int64]]
    numbers: Mapping[str, Float64Array]

    def count(self, some: Sequence[int] | NDArray[np.int64]) -> TextCounts:
        """Return the counts of some of the rows."""
        rows = np.asarray(some, dtype=np.int64)
        bins = {
            name: [np.bincount(column, minlength=BINS).tolist() for column in places[rows].T]
            for name, places in self.places.items()
        }
        return TextCounts(
            rows=len(rows),
            labels=self.labels[rows].sum(axis=0).tolist(),
            languages=Counter(self.languages[row] for row in rows),
            bins=bins,
            sums={name: float(numbers[rows].sum()) for name, numbers in self.numbers.items()},
        )


@dataclass(frozen=True, eq=False)
class DriftReference:
    """The reference of a model.

    bounds   by aspect (numbers, at most 63) the bounds between which numbers are counted
    known    hashes of words, sorted
    centre, components  (width,), (components, width) of the embedding; empty without one
    words    the counts of the unknown words are of one half of the texts; known are those of the other half
    quality  the expected quality on the reference texts
    """

    counts: TextCounts
    bounds: Mapping[str, Sequence[Float64Array]]
    known: NDArray[np.uint32]
    centre: Float64Array
    components: Float64Array
    quality: EstimatedQuality | None

    @property
    def has_embedding(self) -> bool:
        """Whether it has the embedding of texts."""
        return len(self.components) > 0

    @property
    def digest(self) -> str:
        """A digest by which counts made with these bounds are recognised."""
        values = [one for name in sorted(self.bounds) for one in (*self.bounds[name], np.array([len(name)]))]
        return hashlib.sha256(np.concatenate([*values, self.centre, self.known]).tobytes()).hexdigest()[:16]

    @functools.cached_property
    def _known_hashes(self) -> frozenset[int]:
        return frozenset(self.known.tolist())

    @classmethod
    def build(
        cls, scheme: LabelScheme, texts: Sequence[str], decisions: Decisions, features: Features | None = None
    ) -> Self | None:
        """Return the reference of texts with the decisions of the model on them; None for fewer than 50.

        features  (rows, width) what the model makes of the texts, or of some of them drawn at random
        """
        if len(texts) < MIN_ROWS:
            return None
        half, rest = np.array_split(np.random.default_rng(0).permutation(len(texts)), 2)
        frequency = Counter(word for row in half for word in set(split_words(texts[row])))
        frequent = [word for word, rows in frequency.most_common(MAX_WORDS) if rows >= MIN_WORD_ROWS]
        centre, components, before = np.zeros(0), np.zeros((0, 0)), None
        if features is not None and len(features) >= MIN_ROWS:
            fitted, before = np.array_split(np.asarray(features, dtype=np.float64), 2)
            centre = fitted.mean(axis=0)
            components = np.linalg.svd(fitted - centre, full_matrices=False)[2][:COMPONENTS]
        empty = cls(TextCounts(), {}, np.unique([_hash(word) for word in frequent]).astype(np.uint32), centre,
                    components, estimate_quality(scheme, decisions))  # fmt: skip
        numbers = {
            name: values[rest] if name == "words" else values
            for name, values in empty._list_numbers(scheme, texts, decisions, before).items()
        }
        bounds = {name: [_choose_bounds(column) for column in values.T] for name, values in numbers.items()}
        made = dataclasses.replace(empty, bounds=bounds)
        languages = Counter(name_language(text) for text in texts)
        counts = TextCounts(len(texts), decisions.chosen.sum(axis=0).tolist(), languages)
        for name, values in numbers.items():
            places = made._find_places(name, values)
            counts.bins[name] = [np.bincount(column, minlength=BINS).tolist() for column in places.T]
            counts.sums[name] = float(_measure(name, values).sum())
        return dataclasses.replace(made, counts=counts)

    def observe(
        self, scheme: LabelScheme, texts: Sequence[str], decisions: Decisions, features: Features | None = None
    ) -> Observed:
        """Return texts as the reference sees them; with an embedding it needs the features of all texts."""
        numbers = self._list_numbers(scheme, texts, decisions, features)
        return Observed(
            decisions.chosen,
            [name_language(text) for text in texts],
            {name: self._find_places(name, values) for name, values in numbers.items()},
            {name: _measure(name, values) for name, values in numbers.items()},
        )

    def compare(
        self, scheme: LabelScheme, now: TextCounts, *, alpha: float, min_size: float
    ) -> tuple[AspectDrift, ...]:
        """Return how current texts differ from the reference; the arguments are those of `measure_drift`."""
        before, found = self.counts, list[TestResult]()
        if scheme.is_categorical:
            sides = (np.array(before.labels), before.rows), (np.array(now.labels), now.rows)
            found.append(compare_label_counts(scheme, *sides))
        found.append(compare_shares("language", before.languages, now.languages))
        for name in before.bins:
            if name in now.bins:
                found.append(_compare_bins(name, before, now))
        return flag_drift(found, alpha=alpha, min_size=min_size)

    def measure_drift(
        self,
        scheme: LabelScheme,
        texts: Sequence[str],
        decisions: Decisions,
        features: Features | None = None,
        *,
        alpha: float = ALPHA,
        min_size: float = MIN_SIZE,
    ) -> Drift:
        """Return how texts differ from the reference, as `drift.measure_drift` does for two sets of texts."""
        require_rows("current", len(texts))
        now = self.observe(scheme, texts, decisions, features).count(range(len(texts)))
        aspects = self.compare(scheme, now, alpha=alpha, min_size=min_size)
        return Drift(len(texts), self.counts.rows, aspects, estimate_quality(scheme, decisions), self.quality)

    def write(self, folder: Path) -> None:
        """Write the reference into a model folder that is not sealed yet."""
        quality = None if self.quality is None else dataclasses.asdict(self.quality)
        content = {
            "format_version": FORMAT_VERSION,
            "counts": self.counts.to_dict(),
            "quality": quality,
            "bounds": {name: [column.tolist() for column in columns] for name, columns in self.bounds.items()},
            "known": self.known.tolist(),
            "centre": self.centre.tolist(),
            "components": self.components.round(6).tolist(),
        }
        write_text(folder / FILE, json.dumps(content, ensure_ascii=False))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the reference of a model folder; None if it has none. Raises `NewerFormatError`."""
        if not (folder / FILE).exists():
            return None
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        version = content["format_version"]
        if version > FORMAT_VERSION:
            raise NewerFormatError(
                f"A newer insula wrote the reference for drift in {str(folder)!r}: it has format {version}, but insula "
                f"{__version__} reads up to format {FORMAT_VERSION}. Upgrade with: "
                "pip install --upgrade insula"
            )
        bounds = {
            name: [np.array(column, dtype=np.float64) for column in columns]
            for name, columns in content["bounds"].items()
        }
        quality = None if content["quality"] is None else EstimatedQuality(**content["quality"])
        centre = np.array(content["centre"], dtype=np.float64)
        components = np.array(content["components"], dtype=np.float64).reshape(-1, max(1, len(centre)))
        known = np.array(content["known"], dtype=np.uint32)
        return cls(TextCounts.from_dict(content["counts"]), bounds, known, centre, components, quality)

    def _list_numbers(
        self, scheme: LabelScheme, texts: Sequence[str], decisions: Decisions, features: Features | None
    ) -> dict[str, Float64Array]:
        """Return by aspect the (rows, numbers) of texts."""
        found: dict[str, Any] = {}
        if not scheme.is_categorical:
            found |= {name: decisions.scores[:, place] for place, name in enumerate(scheme.names)}
        elif decisions.confidence is not None:
            found["confidence"] = decisions.confidence
        found["length"] = [len(text) for text in texts]
        found["words"] = compute_unknown_shares(texts, lambda word: _hash(word) in self._known_hashes)
        arrays = {name: np.asarray(values, dtype=np.float64)[:, None] for name, values in found.items()}
        if features is not None and self.has_embedding:
            arrays[EMBEDDING] = (np.asarray(features, dtype=np.float64) - self.centre) @ self.components.T
        return arrays

    def _find_places(self, name: str, values: Float64Array) -> NDArray[np.int64]:
        columns = zip(self.bounds[name], values.T, strict=True)
        return np.stack([np.searchsorted(bounds, column, side="left") for bounds, column in columns], axis=1)


def replace_reference(
    folder: Path, scheme: LabelScheme, texts: Sequence[str], decisions: Decisions, features: Features | None = None
) -> None:
    """Write the reference of texts into a model folder that is not sealed yet, in place of an earlier one, if any."""
    (folder / FILE).unlink(missing_ok=True)
    reference = DriftReference.build(scheme, texts, decisions, features)
    if reference is not None:
        reference.write(folder)


def _choose_bounds(values: Float64Array) -> Float64Array:
    """Return the different quantiles of the reference; a place is the number of bounds below a value."""
    return np.unique(np.quantile(values, np.linspace(0, 1, BINS)[:-1], method="inverted_cdf"))


def _compare_bins(name: str, before: TextCounts, now: TextCounts) -> TestResult:
    """Test numbers; of several, the smallest p with Bonferroni's correction."""
    sizes, smallest, rows = [], 1.0, (0, 0)
    for old, new in zip(np.array(before.bins[name]), np.array(now.bins[name]), strict=True):
        rows = int(old.sum()), int(new.sum())
        size = float(np.abs(np.cumsum(new) / rows[1] - np.cumsum(old) / rows[0]).max())
        sizes.append(size)
        smallest = min(smallest, compute_distance_p_value(size, *rows))
    means = now.sums[name] / rows[1], before.sums[name] / rows[0]
    return name, max(sizes), min(1.0, smallest * len(sizes)), {"mean": means}


def _measure(name: str, values: Float64Array) -> Float64Array:
    """Return the (rows,) numbers of which the mean is reported; of the embedding the distance from the centre."""
    return np.linalg.norm(values, axis=1) if name == EMBEDDING else values[:, 0]


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=4).digest(), "little")
