"""`Evaluation`: what was measured, field by field as it stands in `metrics.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Metric:
    """A named figure with the ends of its 95 % bootstrap interval; None where undefined or not measured."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """What was measured; the fields are the keys of `metrics.json`, all plain JSON types.

    rows             how many rows were judged; abstained rows count in every metric but `accuracy_answered`
    kind, labels     of the label scheme
    headline_name    the metric that stands for all: macro_f1, or pearson for dimensional schemes
    metrics          name to value, low, high
    per_label        categorical: precision, recall, f1, support, predicted, auroc, average_precision, brier, threshold
    per_dimension    dimensional: mae, rmse, pearson, spearman, ccc
    confusion        single, binary, ordinal: labels, and counts of gold (rows) by predicted (columns)
    reliability      bins of the top score (multi: of all label scores) with confidence, accuracy, count
    curves           precision against recall of the most frequent labels
    scatter          dimensional: [gold, predicted] of sampled rows
    slices           the headline by length and language, with rows, value, low, high
    mistakes         the most confident mistakes; dimensional: the largest errors
    abstention       categorical: coverage, threshold, accuracies, aurc, risk-coverage curve
    macro_f1_by_threshold   multi and binary: macro-F1 at 0.5, with validation thresholds, and (cheating) with
                     thresholds chosen on these rows
    levels           by coarser level of the scheme: its labels, headline, and metrics with intervals
    seen             rows whose text stood in the training data, and the metrics without them
    """

    rows: int
    kind: str
    labels: list[str]
    headline_name: str
    metrics: dict[str, dict[str, float | None]]
    per_label: list[dict[str, Any]] = field(default_factory=list)
    per_dimension: list[dict[str, Any]] = field(default_factory=list)
    confusion: dict[str, Any] | None = None
    reliability: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    scatter: dict[str, list[list[float]]] | None = None
    slices: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    mistakes: list[dict[str, Any]] = field(default_factory=list)
    abstention: dict[str, Any] | None = None
    macro_f1_by_threshold: dict[str, dict[str, float | None]] | None = None
    levels: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, Any] | None = None

    @property
    def headline(self) -> Metric:
        """The metric that stands for all."""
        return self.metric(self.headline_name)

    def metric(self, name: str) -> Metric:
        """Return a metric by name; `KeyError` where this kind of scheme has none of that name."""
        return Metric(name, **self.metrics[name])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types without NaN; `headline_name` is written as `headline`."""
        return {_key(entry.name): getattr(self, entry.name) for entry in fields(self)}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Evaluation:
        """Read what `to_dict` wrote; keys of a newer insula are ignored."""
        return cls(**{entry.name: row[_key(entry.name)] for entry in fields(cls) if _key(entry.name) in row})


def _key(name: str) -> str:
    return "headline" if name == "headline_name" else name
