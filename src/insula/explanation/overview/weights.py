"""Weights of words over many texts: means with intervals, and how they change under a negation or after "but"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtr, stdtrit

from insula.core.arrays import BoolArray, Float64Array, Int64Array
from insula.evaluation.result import Interval
from insula.explanation.overview.document import ChangeKind, Interaction, WordChange, WordEffect
from insula.text.stopwords import is_stop_word

KINDS: tuple[ChangeKind, ...] = ("negated", "contrast", "intensified", "weakened")
MIN_TEXTS = 3  # of a word or phrase: fewer say nothing of the next text
MIN_WORDS = 5  # of an interaction
RESAMPLES = 1000
FALSE_DISCOVERIES = 0.05  # expected share of the listed words, at most
_TAIL = 0.975


@dataclass
class WeightTable:
    """The weights of all occurrences of a word or phrase, for every label.

    labels  number of labels
    """

    labels: int
    keys: dict[str, int] = field(default_factory=dict)
    _key: list[int] = field(default_factory=list)
    _text: list[int] = field(default_factory=list)
    _weights: list[Float64Array] = field(default_factory=list)
    _cues: list[BoolArray] = field(default_factory=list)

    def add(self, text: int, words: Sequence[str], weights: Float64Array, cues: BoolArray | None = None) -> None:
        """Add the words of one text.

        text     its number
        weights  (words, labels)
        cues     (words, kinds) whether a cue of each of `KINDS` concerns the word; None: of none
        """
        if not words:
            return
        self._key += [self.keys.setdefault(word, len(self.keys)) for word in words]
        self._text += [text] * len(words)
        self._weights.append(weights)
        self._cues.append(np.zeros((len(words), len(KINDS)), dtype=bool) if cues is None else cues)

    def summarise(self) -> WeightSummary:
        """Return the mean weights of every word."""
        weights = np.concatenate(self._weights) if self._weights else np.zeros((0, self.labels))
        cues = np.concatenate(self._cues) if self._cues else np.zeros((0, len(KINDS)), dtype=bool)
        return WeightSummary(
            tuple(self.keys), np.array(self._key, dtype=np.int64), np.array(self._text, dtype=np.int64), weights, cues
        )


class WeightSummary:
    """Statistics of the weights of a `WeightTable`.

    words     the words and phrases
    texts     (words,) number of texts that have each
    mean      (words, labels) mean over texts of the mean weight in each text
    low, high (words, labels) its 95% interval by Student's t; NaN with one text
    """

    def __init__(
        self, words: tuple[str, ...], key: Int64Array, text: Int64Array, weights: Float64Array, cues: BoolArray
    ) -> None:
        self.words = words
        self._key, self._text, self._weights, self._cues = key, text, weights, cues
        self.occurrences = np.bincount(key, minlength=len(words))
        everywhere = np.ones(len(key), dtype=bool)
        self.texts, self.mean, self._error = self._describe(everywhere)
        margin = self._error * _compute_t_quantile(self.texts - 1)[:, None]
        self.low, self.high = self.mean - margin, self.mean + margin

    @property
    def frequent(self) -> BoolArray:
        """(words,) whether each is in at least `MIN_TEXTS` texts."""
        return self.texts >= MIN_TEXTS

    def list_effects(self, label: int, sign: int, most: int, allowed: BoolArray | None = None) -> list[WordEffect]:
        """Return the words that raise (`sign` 1) or lower (-1) a label, those surest to do so first.

        Words are ordered by the end of their interval that is nearer to zero. At most a share of `FALSE_DISCOVERIES` of
        all words that are listed for a label is expected to have no effect (Benjamini and Hochberg 1995).
        """
        surest = self.low[:, label] if sign > 0 else -self.high[:, label]
        usable = self._find_discoveries(label) & (sign * self.mean[:, label] > 0)
        if allowed is not None:
            usable &= allowed
        places = np.flatnonzero(usable)
        chosen = places[np.argsort(-surest[places], kind="stable")][:most]
        return [
            WordEffect(
                text=self.words[place],
                weight=Interval(
                    float(self.mean[place, label]), float(self.low[place, label]), float(self.high[place, label])
                ),
                texts=int(self.texts[place]),
                occurrences=int(self.occurrences[place]),
            )
            for place in chosen.tolist()
        ]

    def _find_discoveries(self, label: int) -> BoolArray:
        """Return (words,) whether the mean weight of each frequent word differs from zero."""
        places = np.flatnonzero(self.frequent)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(self.mean[places, label] / self._error[places, label])
        p = np.nan_to_num(2 * stdtr(self.texts[places] - 1, -t), nan=1.0)
        allowed = FALSE_DISCOVERIES * (1 + np.arange(len(p))) / max(len(p), 1)
        passed = np.flatnonzero(np.sort(p) <= allowed)
        found = np.zeros(len(self.words), dtype=bool)
        if len(passed):
            found[places[p <= np.sort(p)[passed[-1]]]] = True
        return found

    def list_changes(self, label: int, most: int) -> list[WordChange]:
        """Return the words, without stop words, whose weight for a label differs under a cue (Welch's t)."""
        content = np.array([not is_stop_word(word) for word in self.words], dtype=bool)
        found: list[tuple[float, WordChange]] = []
        for column, kind in enumerate(KINDS):
            plain, changed = (self._describe(self._cues[:, column] == under) for under in (False, True))
            usable = np.flatnonzero(content & (plain[0] >= MIN_TEXTS) & (changed[0] >= MIN_TEXTS))
            for word in usable.tolist():
                difference, margin = _compare(
                    *((int(one[0][word]), one[1][word, label], one[2][word, label]) for one in (plain, changed))
                )
                if (surest := abs(difference) - margin) > 0:
                    change = WordChange(
                        kind=kind, text=self.words[word],
                        plain=float(plain[1][word, label]), changed=float(changed[1][word, label]),
                        difference=Interval(difference, difference - margin, difference + margin),
                        plain_texts=int(plain[0][word]), changed_texts=int(changed[0][word]),
                    )  # fmt: skip
                    found.append((surest, change))
        found.sort(key=lambda one: -one[0])
        return [change for _, change in found[:most]]

    def list_interactions(self, labels: Sequence[int], seed: int) -> list[Interaction]:
        """Return for each kind of cue how much of its weight a word keeps, over all words and the given labels.

        It is the slope, through zero, of the mean weight under the cue on the mean weight elsewhere; words count as
        often as they occur under the cue. The interval is a percentile bootstrap over words.
        """
        return [self._measure_kept_weight(column, kind, labels, seed) for column, kind in enumerate(KINDS)]

    def _measure_kept_weight(self, column: int, kind: ChangeKind, labels: Sequence[int], seed: int) -> Interaction:
        under = self._cues[:, column]
        (plain_texts, plain, _), (_, changed, _) = self._describe(~under), self._describe(under)
        times = np.bincount(self._key[under], minlength=len(self.words))
        words = np.flatnonzero((plain_texts >= MIN_TEXTS) & (times > 0))
        counted = Interaction(kind=kind, kept=Interval(), words=len(words), occurrences=int(times[words].sum()))
        if len(words) < MIN_WORDS:
            return counted
        before, after = plain[words][:, labels], changed[words][:, labels]
        together = times[words] * (before * after).sum(axis=1)
        alone = times[words] * (before**2).sum(axis=1)
        if not alone.sum():
            return counted
        drawn = np.random.default_rng(seed).integers(0, len(words), size=(RESAMPLES, len(words)))
        below = alone[drawn].sum(axis=1)
        low, high = np.quantile(together[drawn].sum(axis=1)[below > 0] / below[below > 0], (1 - _TAIL, _TAIL))
        kept = Interval(float(together.sum() / alone.sum()), float(low), float(high))
        return counted.model_copy(update={"kept": kept})

    def _describe(self, chosen: BoolArray) -> tuple[Int64Array, Float64Array, Float64Array]:
        """Return the number of texts, mean weights and standard errors of every word, at the chosen positions."""
        words, labels = len(self.words), self._weights.shape[1]
        key, text, weights = self._key[chosen], self._text[chosen], self._weights[chosen]
        if not len(key):
            return np.zeros(words, dtype=np.int64), np.full((words, labels), np.nan), np.full((words, labels), np.nan)
        pairs, pair = np.unique(np.stack([key, text]), axis=1, return_inverse=True)
        in_text = _sum_by(pair.ravel(), weights, pairs.shape[1]) / np.bincount(pair.ravel())[:, None]
        texts = np.bincount(pairs[0], minlength=words)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = _sum_by(pairs[0], in_text, words) / texts[:, None]
            squares = _sum_by(pairs[0], (in_text - mean[pairs[0]]) ** 2, words)
            error = np.sqrt(squares / (texts - 1)[:, None] / texts[:, None])
        return texts, mean, np.where(texts[:, None] > 1, error, np.nan)


def _sum_by(group: Int64Array, rows: Float64Array, groups: int) -> Float64Array:
    return np.stack([np.bincount(group, weights=column, minlength=groups) for column in rows.T], axis=1)


def _compute_t_quantile(degrees_of_freedom: Int64Array | float) -> Float64Array:
    """Return the quantile of Student's t for a 95% interval; NaN for zero degrees of freedom."""
    found: Float64Array = stdtrit(np.where(np.asarray(degrees_of_freedom) > 0, degrees_of_freedom, np.nan), _TAIL)
    return found


def _compare(plain: tuple[int, float, float], changed: tuple[int, float, float]) -> tuple[float, float]:
    """Return the difference of two means, each with its number and standard error, and the margin of its interval."""
    squares = [one[2] ** 2 for one in (plain, changed)]
    total = sum(squares)
    difference = float(changed[1] - plain[1])
    if not total:
        return difference, 0.0
    freedom = total**2 / sum(square**2 / (one[0] - 1) for square, one in zip(squares, (plain, changed), strict=True))
    return difference, float(np.sqrt(total) * _compute_t_quantile(freedom))
