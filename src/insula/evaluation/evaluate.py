"""`evaluate`: measure predictions on labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from insula.core.arrays import BoolArray, Float64Array, Int64Array
from insula.core.decision import compute_confidence
from insula.core.levels import find_levels
from insula.core.scheme import LabelScheme
from insula.evaluation.decisions.abstention import summarise_abstention
from insula.evaluation.decisions.threshold_effect import measure_macro_f1_by_threshold
from insula.evaluation.metrics.categorical import (
    compute_categorical_metrics,
    compute_metrics_per_label,
    count_confusion,
)
from insula.evaluation.metrics.checked_arrays import as_column, as_matrix, average_finite, check_categorical
from insula.evaluation.metrics.curves import compute_precision_recall_curves, sample_scatter
from insula.evaluation.metrics.intervals import compute_moment_intervals, count_intervals
from insula.evaluation.metrics.metric_names import get_headline_metric
from insula.evaluation.metrics.mistakes import find_confident_mistakes, find_largest_errors
from insula.evaluation.metrics.regression import compute_metrics_per_dimension
from insula.evaluation.metrics.reliability import compute_reliability_bins, pair_confidence_with_outcome
from insula.evaluation.metrics.slices import measure_slices
from insula.evaluation.result import Evaluation, Interval, LevelMetrics, SeenRows


def evaluate(
    scheme: LabelScheme,
    gold: Any,
    scores: Any,
    decisions: Any = None,
    *,
    texts: Sequence[str] | None = None,
    languages: Sequence[str | None] | None = None,
    confidence: Any = None,
    abstained: Any = None,
    seen: Any = None,
    thresholds: Any = None,
    abstention_threshold: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Measure predictions against gold labels; `checked_arrays` states shapes and types of `gold` and `scores`.

    decisions              0/1 (rows, labels); ignored for dimensional schemes
    texts, languages       (rows,), for slices and mistakes
    confidence             (rows,), probability of the decision; default `core.decision.compute_confidence`
    abstained              (rows,) bool, where the model abstains; default nowhere
    seen                   (rows,) bool, rows whose text is in the training data
    thresholds             (labels,) and `abstention_threshold`: recorded in the result, not applied
    resamples, seed        of the bootstrap

    Raises `DataError` where shapes or values contradict the scheme.
    """
    if scheme.is_categorical:
        measure: _Measure = _Categorical(scheme, gold, scores, decisions, resamples, seed)
    else:
        measure = _Dimensional(scheme, gold, scores, resamples, seed)
    rows = measure.rows
    metrics = measure.metrics(np.arange(rows))
    checked_texts = None if texts is None else list(as_column("texts", texts, rows, object))
    checked_languages = None if languages is None else list(as_column("languages", languages, rows, object))
    return Evaluation(
        rows=rows,
        kind=scheme.kind,
        labels=list(scheme.names),
        headline_name=get_headline_metric(scheme.kind),
        metrics=metrics,
        levels=measure.compute_levels(),
        slices=measure_slices(checked_texts, checked_languages, measure.compute_headline_interval),
        seen=None if seen is None else _measure_unseen(as_column("seen", seen, rows, bool), measure, metrics),
        **measure.compute_details(checked_texts, confidence, abstained, thresholds, abstention_threshold),
    )


class _Categorical:
    def __init__(self, scheme: LabelScheme, gold: Any, scores: Any, decisions: Any, resamples: int, seed: int) -> None:
        self.scheme, self.resamples, self.seed = scheme, resamples, seed
        self.gold: BoolArray
        self.scores: Float64Array
        self.decisions: BoolArray
        self.gold, self.scores, self.decisions = check_categorical(scheme, gold, scores, decisions)
        self.rows = len(self.gold)

    def metrics(self, rows: Int64Array) -> dict[str, Interval]:
        return compute_categorical_metrics(
            self.scheme.kind, self.gold[rows], self.scores[rows], self.decisions[rows],
            resamples=self.resamples, seed=self.seed,
        )  # fmt: skip

    def compute_headline_interval(self, rows: Int64Array) -> Interval:
        found = count_intervals(self.gold[rows], self.decisions[rows], resamples=self.resamples, seed=self.seed)
        return found[get_headline_metric(self.scheme.kind)]

    def compute_details(
        self, texts: Any, confidence: Any, abstained: Any, thresholds: Any, abstention_threshold: float | None
    ) -> dict[str, Any]:
        kind, names = self.scheme.kind, self.scheme.names
        correct = (self.gold == self.decisions).all(axis=1)
        if confidence is None:
            confidence = compute_confidence(kind, self.scores, self.decisions)
        confidences = as_column("confidence", confidence, self.rows)
        abstentions = None if abstained is None else as_column("abstained", abstained, self.rows, bool)
        limits = None if thresholds is None else as_column("thresholds", thresholds, len(names))
        wrong = [] if texts is None else find_confident_mistakes(names, texts, self.gold, self.decisions, confidences)
        return {
            "per_label": compute_metrics_per_label(names, self.gold, self.scores, self.decisions, limits),
            "per_dimension": [],
            "confusion": count_confusion(names, self.gold, self.decisions) if self.scheme.has_one_label else None,
            "reliability": compute_reliability_bins(*pair_confidence_with_outcome(kind, self.gold, self.scores)),
            "curves": compute_precision_recall_curves(names, self.gold, self.scores),
            "scatter": None,
            "mistakes": wrong,
            "abstention": summarise_abstention(correct, confidences, abstentions, abstention_threshold),
            "macro_f1_by_threshold": measure_macro_f1_by_threshold(
                kind, self.gold, self.scores, self.decisions, resamples=self.resamples, seed=self.seed
            ),
        }

    def compute_levels(self) -> dict[str, LevelMetrics]:
        found = {}
        for name, level in find_levels(self.scheme).items():
            metrics = compute_categorical_metrics(
                level.scheme.kind, level.choose_parents(self.gold), level.compute_scores(self.scores),
                level.choose_parents(self.decisions),
                resamples=self.resamples, seed=self.seed,
            )  # fmt: skip
            found[name] = LevelMetrics(
                labels=list(level.scheme.names), headline=get_headline_metric(level.scheme.kind), metrics=metrics
            )
        return found


class _Dimensional:
    def __init__(self, scheme: LabelScheme, gold: Any, scores: Any, resamples: int, seed: int) -> None:
        self.scheme, self.resamples, self.seed = scheme, resamples, seed
        self.gold = as_matrix("gold", gold, len(scheme.names))
        self.scores = as_matrix("scores", scores, len(scheme.names), len(self.gold))
        self.rows = len(self.gold)

    def metrics(self, rows: Int64Array) -> dict[str, Interval]:
        found = compute_moment_intervals(self.gold[rows], self.scores[rows], resamples=self.resamples, seed=self.seed)
        ranks = [
            one.spearman for one in compute_metrics_per_dimension(self.scheme.names, self.gold[rows], self.scores[rows])
        ]
        return {**found, "spearman": Interval(average_finite(ranks))}

    def compute_headline_interval(self, rows: Int64Array) -> Interval:
        found = compute_moment_intervals(self.gold[rows], self.scores[rows], resamples=self.resamples, seed=self.seed)
        return found[get_headline_metric(self.scheme.kind)]

    def compute_levels(self) -> dict[str, LevelMetrics]:
        return {}

    def compute_details(self, texts: Any, *_: Any) -> dict[str, Any]:
        names = self.scheme.names
        return {
            "per_label": [],
            "per_dimension": compute_metrics_per_dimension(names, self.gold, self.scores),
            "confusion": None,
            "reliability": [],
            "curves": [],
            "scatter": sample_scatter(names, self.gold, self.scores, seed=self.seed),
            "mistakes": [] if texts is None else find_largest_errors(texts, self.gold, self.scores),
            "abstention": None,
            "macro_f1_by_threshold": None,
        }


_Measure = _Categorical | _Dimensional


def _measure_unseen(seen: BoolArray, measure: _Measure, metrics: dict[str, Interval]) -> SeenRows:
    """Return the number of seen rows and the metrics of the others, None where no other row is left."""
    fresh = np.flatnonzero(~seen)
    if not seen.any():
        without: dict[str, Interval] | None = metrics
    else:
        without = measure.metrics(fresh) if fresh.size else None
    return SeenRows(rows=int(seen.sum()), metrics_without=without)
