"""`measure_drift`: how current texts differ from reference texts, with control of false alarms.

Each aspect is one test. With thousands of rows every tiny difference is significant, so an aspect has drifted only if
it is significant (after Holm's correction for the number of aspects) and its size reaches a limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from insula.core.arrays import Float64Array
from insula.core.decision import Decisions
from insula.core.errors import DataError
from insula.core.scheme import LabelScheme
from insula.evaluation.drift.estimate import EstimatedQuality, estimate_quality
from insula.text.language import detect_language
from insula.text.word_spans import find_word_spans

ALPHA = 0.01
MIN_SIZE = 0.1
"""Smallest significant difference that counts as drift: of shares, or between distributions, both in [0, 1]."""
MIN_ROWS = 50
MAX_LABELS = 5  # listed for an aspect
COMPONENTS = 16
"""Principal components of the embedding that are tested."""
Features = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class AspectDrift:
    """One aspect in which the texts may differ.

    aspect   `labels`, `confidence`, `length`, `language`, `words` or `embedding`
    size     labels, language: total variation distance of the shares; others: Kolmogorov-Smirnov distance
    p        of the test, before the correction; `p_corrected` after it
    drifted  significant and large enough
    details  the shares that differ most, now and in the reference; of other aspects both means; of the embedding both
             mean distances from the centre of the reference
    """

    aspect: str
    size: float
    p: float
    p_corrected: float
    drifted: bool
    details: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Drift:
    """The differences between reference texts and current texts.

    rows, reference_rows  number of texts of each side
    estimated             expected quality on the current texts, from calibrated scores; None for dimensional schemes
    estimated_reference   the same on the reference texts
    notes                 sentences on rows that were not read and on what was repaired while reading
    """

    rows: int
    reference_rows: int
    aspects: tuple[AspectDrift, ...]
    estimated: EstimatedQuality | None
    estimated_reference: EstimatedQuality | None
    notes: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether any aspect has drifted."""
        return any(one.drifted for one in self.aspects)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {"drifted": self.drifted, **asdict(self)}


def measure_drift(
    scheme: LabelScheme,
    reference: tuple[Sequence[str], Decisions],
    now: tuple[Sequence[str], Decisions],
    *,
    features: tuple[Features, Features] | None = None,
    alpha: float = ALPHA,
    min_size: float = MIN_SIZE,
) -> Drift:
    """Return the differences between texts and reference texts, given with the decisions of one model.

    features  (rows, width) what the model makes of the reference texts and of the current texts, or of some of each;
              without them the embedding is not tested
    alpha     the probability of any false alarm, for texts of the same kind
    min_size  the size from which a significant difference counts

    Raises `DataError` for fewer than 50 texts on either side.
    """
    for name, (texts, _) in (("reference", reference), ("current", now)):
        require_rows(name, len(texts))
    found = [
        *_test_decisions(scheme, reference[1], now[1]),
        _test_numbers("length", [len(text) for text in reference[0]], [len(text) for text in now[0]]),
        compare_shares("language", *(Counter(name_language(text) for text in side[0]) for side in (reference, now))),
        _test_words(reference[0], now[0]),
    ]
    if features is not None:
        found.append(_test_embedding(*features))
    aspects = flag_drift(found, alpha=alpha, min_size=min_size)
    estimated, before = (estimate_quality(scheme, decisions) for _, decisions in (now, reference))
    return Drift(len(now[0]), len(reference[0]), aspects, estimated, before)


def require_rows(name: str, rows: int) -> None:
    """Raise `DataError` for too few texts of a side, `reference` or `current`."""
    if rows < MIN_ROWS:
        raise DataError(f"Drift detection needs at least {MIN_ROWS} {name} texts. Got {rows}. Pass more rows.")


TestResult = tuple[str, float, float, Mapping[str, tuple[float, float]]]
"""Name, size, p and details of an aspect, before the correction."""


def flag_drift(found: Sequence[TestResult], *, alpha: float, min_size: float) -> tuple[AspectDrift, ...]:
    """Return which aspects have drifted, after Holm's correction for their number."""
    corrected = _adjust_p_values([p for _, _, p, _ in found])
    return tuple(
        AspectDrift(aspect, size, p, after, after <= alpha and size >= min_size, details)
        for (aspect, size, p, details), after in zip(found, corrected, strict=True)
    )


def _test_decisions(scheme: LabelScheme, reference: Decisions, now: Decisions) -> list[TestResult]:
    if not scheme.is_categorical:
        return [
            _test_numbers(name, reference.scores[:, place], now.scores[:, place])
            for place, name in enumerate(scheme.names)
        ]
    found = [_test_labels(scheme, reference, now)]
    if reference.confidence is not None and now.confidence is not None:
        found.append(_test_numbers("confidence", reference.confidence, now.confidence))
    return found


def _test_labels(scheme: LabelScheme, reference: Decisions, now: Decisions) -> TestResult:
    if scheme.kind != "multi":
        sides = [Counter(scheme.names[place] for place in side.top_labels()) for side in (reference, now)]
        return compare_shares("labels", *sides)
    before, after = ((side.chosen.sum(axis=0), len(side.chosen)) for side in (reference, now))
    return compare_label_counts(scheme, before, after)


def compare_label_counts(
    scheme: LabelScheme, reference: tuple[NDArray[np.int64], int], now: tuple[NDArray[np.int64], int]
) -> TestResult:
    """Test the numbers of texts by predicted label, each with the number of all texts."""
    if scheme.kind != "multi":
        sides = [Counter(dict(zip(scheme.names, counts.tolist(), strict=True))) for counts, _ in (reference, now)]
        return compare_shares("labels", *sides)
    # A text may have several labels: one test for each label, the smallest p with Bonferroni's correction.
    before, after = (counts / rows for counts, rows in (reference, now))
    smallest = 1.0
    for place in range(len(scheme.names)):
        table = [[int(counts[place]), rows - int(counts[place])] for counts, rows in (reference, now)]
        if table[0][0] + table[1][0] and table[0][1] + table[1][1]:
            smallest = min(smallest, float(stats.fisher_exact(table).pvalue))
    order = np.argsort(-np.abs(after - before))[:MAX_LABELS]
    details = {scheme.names[place]: (float(after[place]), float(before[place])) for place in order}
    return "labels", float(np.abs(after - before).max()), min(1.0, smallest * len(scheme.names)), details


def compare_shares(aspect: str, reference: Counter[str], now: Counter[str]) -> TestResult:
    """Test the shares of names."""
    names = sorted(reference | now)
    table = np.array([[side[name] for name in names] for side in (reference, now)], dtype=np.float64)
    shares = table / table.sum(axis=1, keepdims=True)
    p = 1.0
    if len(names) > 1:
        # Rare names together: the approximation of the test needs a few expected rows in each cell.
        frequent = table.sum(axis=0) >= 10
        kept = table[:, frequent]
        rest = table[:, ~frequent].sum(axis=1, keepdims=True)
        kept = np.concatenate([kept, rest], axis=1) if rest.sum() else kept
        if kept.shape[1] > 1:
            p = float(stats.chi2_contingency(kept).pvalue)
    change = shares[1] - shares[0]
    order = np.argsort(-np.abs(change))[:MAX_LABELS]
    details = {names[place]: (float(shares[1, place]), float(shares[0, place])) for place in order}
    return aspect, float(np.abs(change).sum() / 2), p, details


def _test_numbers(aspect: str, reference: Any, now: Any) -> TestResult:
    before, after = (np.asarray(side, dtype=np.float64) for side in (reference, now))
    test = stats.ks_2samp(before, after, method="asymp")
    return aspect, float(test.statistic), float(test.pvalue), {"mean": (float(after.mean()), float(before.mean()))}


def compute_distance_p_value(size: float, reference: int, now: int) -> float:
    """Return the p value of a Kolmogorov-Smirnov distance between samples of these sizes."""
    return float(stats.kstwo.sf(size, max(1, round(reference * now / (reference + now)))))


def _test_words(reference: Sequence[str], now: Sequence[str]) -> TestResult:
    """Test the share of words that half of the reference texts do not have, on the other half and on the current texts.

    The words of the reference texts are all known to themselves: without the split, any new text would seem to drift.
    """
    # Drawn, since every other row may be of another speaker.
    order = np.random.default_rng(0).permutation(len(reference))
    half, rest = ([reference[place] for place in places] for places in np.array_split(order, 2))
    known = {word for text in half for word in split_words(text)}
    return _test_numbers("words", *(compute_unknown_shares(side, known.__contains__) for side in (rest, now)))


def _test_embedding(reference: Features, now: Features) -> TestResult:
    """Test the principal components of half of the reference rows on the other half and on the current rows.

    Components have more variance on the rows that they are fitted to: without the split, any new text would seem to
    drift. One test for each component, the smallest p with Bonferroni's correction (Rabanser et al. 2019, "Failing
    Loudly").
    """
    order = np.random.default_rng(0).permutation(len(reference))
    half, rest = (reference[places].astype(np.float64) for places in np.array_split(order, 2))
    centre = half.mean(axis=0)
    components = np.linalg.svd(half - centre, full_matrices=False)[2][:COMPONENTS]
    before, after = ((side - centre) @ components.T for side in (rest, now))
    tests = [stats.ks_2samp(*pair, method="asymp") for pair in zip(before.T, after.T, strict=True)]
    p = min(1.0, min(float(test.pvalue) for test in tests) * len(tests))
    distances = tuple(float(np.linalg.norm(side, axis=1).mean()) for side in (after, before))
    return "embedding", max(float(test.statistic) for test in tests), p, {"mean": (distances[0], distances[1])}


def compute_unknown_shares(texts: Sequence[str], is_known: Callable[[str], bool]) -> Float64Array:
    """Return the (rows,) shares of the words of texts that are not known; 0 for a text without words."""
    shares = []
    for text in texts:
        words = split_words(text)
        shares.append(sum(not is_known(word) for word in words) / len(words) if words else 0.0)
    return np.array(shares, dtype=np.float64)


def name_language(text: str) -> str:
    """Return the code of the language of a text, `none` where none is detected."""
    return detect_language(text) or "none"


def split_words(text: str) -> list[str]:
    """Return the words of a text, in lower case."""
    return [word.lower() for start, end in find_word_spans(text) if (word := text[start:end]).isalpha()]


def _adjust_p_values(values: Sequence[float]) -> list[float]:
    """Return p values after Holm's correction for their number."""
    order = np.argsort(values)
    corrected = [0.0] * len(values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, values[place] * (len(values) - rank)))
        corrected[place] = largest
    return corrected
