"""`measure_effects`: the average causal effect of features of texts on the scores of a model, by intervention.

For each row the model scores two versions of the text that differ in the feature alone; the effect is the mean
difference (the average treatment effect of a do-intervention, Pearl 2009; on text classifiers Feder et al. 2021,
CausaLM). The correlation compares different rows: those that have the feature with those that have not. Where the two
differ, something that comes with the feature moves the score, not the feature.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from insula.core.arrays import Float64Array
from insula.core.errors import DataError
from insula.core.model_input import ModelInput, TextOrInput, get_text
from insula.core.progress import Progress, Silent
from insula.evaluation.metrics.intervals import draw_resampled_sums
from insula.explanation.effects.features import Feature, find_feature
from insula.inference.predictor import Predictor

RESAMPLES = 1000
LEVEL = 95.0  # per cent, of the intervals
FEW = 10  # fewer rows on one side have no interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean difference of scores with its 95% interval (percentile bootstrap over rows); None where the rows are
    fewer than ten."""

    value: float
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def to_dict(self, digits: int = 6) -> dict[str, float | None]:
        """Return plain JSON types."""
        return {
            name: None if value is None else round(value, digits)
            for name, value in (("value", self.value), ("low", self.low), ("high", self.high))
        }


@dataclass(frozen=True, slots=True)
class LabelEffect:
    """The effect of a feature on the score of one label.

    effect       mean change of the score when the feature is there and nothing else changes; None without
                 any edited row
    correlation  mean score of the rows that have the feature less that of the rows that have not; None if one side is
                 empty
    """

    effect: Estimate | None
    correlation: Estimate | None

    @property
    def differs(self) -> bool:
        """Whether the intervals of effect and correlation do not overlap."""
        one, other = self.effect, self.correlation
        if one is None or other is None or one.low is None or one.high is None or other.low is None:
            return False
        return other.high is not None and (one.high < other.low or other.high < one.low)

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "effect": None if self.effect is None else self.effect.to_dict(digits),
            "correlation": None if self.correlation is None else self.correlation.to_dict(digits),
            "differs": self.differs,
        }


@dataclass(frozen=True)
class FeatureEffect:
    """The effect of one feature on the scores of a model.

    feature   its name
    sides     what rows of either version have, for people: ("with a negation", "without")
    rows      number of rows read
    having    number of rows that have it as written
    removed   number of those from which it could be removed
    lacking   number of rows without it
    inserted  number of those into which it could be inserted; for a feature with two sides (female, male) the rows of
              the other side
    mixed     number of edited rows with both sides
    labels    label to its figures; for a dimension in units of the dimension
    """

    feature: str
    sides: tuple[str, str]
    rows: int
    having: int
    removed: int
    lacking: int
    inserted: int
    mixed: int
    labels: Mapping[str, LabelEffect]

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types."""
        row = {name.name: getattr(self, name.name) for name in dataclasses.fields(self)}
        return {
            **row,
            "sides": list(self.sides),
            "labels": {label: one.to_dict(digits) for label, one in self.labels.items()},
        }


@dataclass
class _Scores:
    """The rows of one feature: the scores of both versions where there are two, and which rows have the feature."""

    feature: Feature
    written: list[Float64Array] = field(default_factory=list)
    given: list[Float64Array] = field(default_factory=list)
    absent: list[Float64Array] = field(default_factory=list)
    present: list[bool | None] = field(default_factory=list)


def measure_effects(
    predictor: Predictor,
    groups: Iterable[Sequence[TextOrInput]],
    names: Sequence[str],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Progress | None = None,
) -> list[FeatureEffect]:
    """Return the effect of each feature on the scores of a model, in the order of `names`.

    groups     the rows, some at a time; only their scores are kept
    names      `negation`, `intensifier`, `emotion-word`, `identity`, `name`, or `token:WORD` for any word
    seed       of the words that are inserted, and of the bootstrap

    Raises `UnknownNameError` for another name, `DataError` without names or rows.
    """
    if not names:
        raise DataError("There must be at least one feature, such as negation. Got none. Choose a feature.")
    progress = progress or Silent()
    scores = {name: _Scores(find_feature(name)) for name in dict.fromkeys(names)}
    rows = 0
    progress.start("measuring effects")
    try:
        for group in groups:
            for name, found in scores.items():
                _score_versions(predictor, group, rows, found, f"{seed} {name}")
            rows += len(group)
            progress.advance(len(group))
    finally:
        progress.finish()
    if not rows:
        raise DataError("The data must have at least one row with a text. Got none. Choose other data.")
    labels = predictor.scheme.names
    return [_estimate(name, found, labels, seed, resamples) for name, found in scores.items()]


def _score_versions(predictor: Predictor, group: Sequence[TextOrInput], first: int, found: _Scores, seed: str) -> None:
    """Add the scores of both versions of some rows; the version that is the text itself is scored once."""
    texts: list[TextOrInput] = []
    places = []
    for number, one in enumerate(group, first):
        text = get_text(one)
        versions = found.feature.split(text, random.Random(f"{seed} {number}"))
        found.present.append(versions.present)
        texts.append(one)
        row = [len(texts) - 1]
        for version in (versions.given, versions.absent):
            if version == text or version is None:
                row.append(-1 if version is None else row[0])
                continue
            texts.append(dataclasses.replace(one, text=version) if isinstance(one, ModelInput) else version)
            row.append(len(texts) - 1)
        places.append(row)
    scores = predictor.decide(texts).scores.astype(np.float64)
    nothing = np.full((1, scores.shape[1]), np.nan)
    taken = np.concatenate([scores, nothing])[np.array(places)]
    found.written.append(taken[:, 0])
    found.given.append(taken[:, 1])
    found.absent.append(taken[:, 2])


def _estimate(name: str, found: _Scores, labels: Sequence[str], seed: int, resamples: int) -> FeatureEffect:
    written, given, absent = (np.concatenate(one) for one in (found.written, found.given, found.absent))
    has = np.array([one is True for one in found.present])
    lacks = np.array([one is False for one in found.present])
    edited = ~np.isnan(given[:, 0])
    effects = _estimate_difference(np.where(edited[:, None], given - absent, 0.0), edited, None, seed, resamples)
    correlations = _estimate_difference(written, has, lacks, seed, resamples)
    return FeatureEffect(
        feature=name,
        sides=found.feature.sides,
        rows=len(written),
        having=int(has.sum()),
        removed=int((has & edited).sum()),
        lacking=int(lacks.sum()),
        inserted=int((lacks & edited).sum()),
        mixed=int((edited & ~has & ~lacks).sum()),
        labels={
            label: LabelEffect(effect, correlation)
            for label, effect, correlation in zip(labels, effects, correlations, strict=True)
        },
    )


def _estimate_difference(
    values: Float64Array, one: np.ndarray, other: np.ndarray | None, seed: int, resamples: int
) -> list[Estimate | None]:
    """Return for each column the mean of the rows `one` minus the mean of the rows `other`, with intervals."""
    sides = [one] if other is None else [one, other]
    counts = [int(side.sum()) for side in sides]
    if not all(counts):
        return [None] * values.shape[1]
    means = [values[side].mean(axis=0) for side in sides]
    observed = means[0] if other is None else means[0] - means[1]
    if min(counts) < FEW:
        return [Estimate(float(value), None, None) for value in observed]
    kept = np.any(sides, axis=0)
    table = np.concatenate([np.column_stack([side[:, None] * values, side])[kept] for side in sides], axis=1)
    sums = draw_resampled_sums(table, np.ones(len(table), dtype=np.int64), resamples, seed)
    width = values.shape[1] + 1
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample may have no row of a rare side
        drawn = [
            sums[:, start : start + width - 1] / sums[:, [start + width - 1]]
            for start in range(0, sums.shape[1], width)
        ]
    differences = drawn[0] if other is None else drawn[0] - drawn[1]
    tail = (100.0 - LEVEL) / 2
    low, high = np.nanpercentile(differences, [tail, 100.0 - tail], axis=0)
    return [Estimate(*map(float, row)) for row in zip(observed, low, high, strict=True)]
