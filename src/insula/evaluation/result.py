"""`Evaluation`: what was measured, field by field as `metrics.json` holds it, and the typed parts that it has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field

from insula.core.scheme import Kind
from insula.evaluation.record import WITHOUT_NULLS, Record


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its 95% interval; null where undefined or not measured."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def excludes_zero(self) -> bool:
        """True for a difference that is clear: both ends are known and zero is not between them."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    def to_dict(self) -> dict[str, float | None]:
        """Return plain JSON types."""
        return asdict(self)


Figures = Annotated[dict[str, Interval], WITHOUT_NULLS]
"""Metrics by name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What two sides reach, each the mean over its systems, and b - a with its interval."""

    a: float | None
    b: float | None
    difference: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's test on rows that exactly one of two systems has right; p is the mid-p value, two-sided."""

    only_a: int
    only_b: int
    p: float


class LabelFigures(Record):
    """The figures of one label; null where undefined."""

    label: str = ""
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    support: int | None = Field(None, description="rows that have the label")
    predicted: int | None = Field(None, description="rows that were given the label")
    auroc: float | None = None
    average_precision: float | None = None
    brier: float | None = None
    threshold: float | None = Field(None, description="score from which on the label is given; multi-label only")


class DimensionFigures(Record):
    """The agreement on one dimension; null where undefined."""

    name: str = ""
    mae: float | None = None
    rmse: float | None = None
    pearson: float | None = None
    spearman: float | None = None
    ccc: float | None = None


class Confusion(Record):
    """A confusion matrix."""

    labels: list[str] = Field(default_factory=list)
    counts: list[list[int]] = Field(default_factory=list, description="gold (rows) by predicted (columns)")


class ReliabilityBin(Record):
    """The rows whose stated confidence is within one bin; of multi-label models every score counts as a row."""

    low: float = 0.0
    high: float = 1.0
    confidence: float | None = Field(None, description="mean confidence in the bin")
    accuracy: float | None = Field(None, description="share that was right")
    count: int = 0


class PrecisionRecallCurve(Record):
    """Precision against recall of one label."""

    label: str = ""
    recall: list[float] = Field(default_factory=list)
    precision: list[float] = Field(default_factory=list)
    average_precision: float | None = None


class Slice(Record):
    """The headline metric on a part of the rows."""

    name: str = ""
    rows: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> Interval:
        """The value with its interval."""
        return Interval(self.value, self.low, self.high)


class Mistake(Record):
    """A row that was answered wrong: labels, or the values of each dimension."""

    text: str = ""
    gold: list[str | float] = Field(default_factory=list)
    predicted: list[str | float] = Field(default_factory=list)
    confidence: float | None = None


class Abstention(Record):
    """How often the model answers, and how right it is when it does."""

    coverage: float | None = Field(None, description="share of rows that were answered")
    threshold: float | None = Field(None, description="confidence below which the model abstains")
    accuracy_answered: float | None = None
    accuracy_all: float | None = Field(None, description="accuracy if every row were answered")
    aurc: float | None = Field(None, description="area under the risk-coverage curve; lower is better")
    curve: list[list[float]] = Field(default_factory=list, description="[coverage, risk] pairs")


class MacroF1ByThreshold(Record):
    """What the thresholds are worth: macro-F1 with three choices of them."""

    half: Interval | None = Field(None, description="every threshold 0.5")
    validation: Interval | None = Field(None, description="chosen on validation rows: the result")
    test: Interval | None = Field(None, description="chosen on these very rows: cheating, not a result")


class LevelFigures(Record):
    """The same answers at a coarser level of the scheme."""

    labels: list[str] = Field(default_factory=list)
    headline: str = Field("", description="name of the metric that stands for all")
    metrics: Figures = Field(default_factory=dict)


class SeenRows(Record):
    """Rows whose text the model may know, and the metrics without them."""

    rows: int | None = None
    metrics_without: Figures | None = Field(None, description="null where no other row is left")


class Evaluation(Record):
    """What was measured on some rows."""

    rows: int = Field(0, description="number of rows; abstained ones count in every metric but `accuracy_answered`")
    kind: Kind | None = Field(None, description="kind of the label scheme")
    labels: list[str] = Field(default_factory=list, description="labels or dimensions, in output order")
    headline_name: str = Field("", alias="headline", description="name of the metric that stands for all")
    metrics: Figures = Field(
        default_factory=dict,
        description="name to `value`, `low`, `high`: 95% bootstrap interval, where one is measured",
    )
    per_label: list[LabelFigures] = Field(
        default_factory=list, description="categorical: precision, recall, F1, support and more of each label"
    )
    per_dimension: list[DimensionFigures] = Field(
        default_factory=list, description="dimensional: errors and correlations of each dimension"
    )
    confusion: Confusion | None = Field(
        None, description="where each row has one label: counts of gold by predicted label"
    )
    reliability: list[ReliabilityBin] = Field(default_factory=list, description="stated confidence against accuracy")
    curves: list[PrecisionRecallCurve] = Field(
        default_factory=list, description="precision against recall of the most frequent labels"
    )
    scatter: Annotated[dict[str, list[list[float]]], WITHOUT_NULLS] | None = Field(
        None, description="dimensional: [gold, predicted] pairs of sampled rows"
    )
    slices: Annotated[dict[str, list[Slice]], WITHOUT_NULLS] = Field(
        default_factory=dict, description="the headline metric by text length and by language"
    )
    mistakes: list[Mistake] = Field(
        default_factory=list, description="the most confident mistakes; dimensional: the largest errors"
    )
    abstention: Abstention | None = Field(None, description="categorical: coverage, accuracy of answered and all rows")
    macro_f1_by_threshold: MacroF1ByThreshold | None = Field(
        None,
        description="multi-label and binary: macro-F1 at 0.5, with thresholds from validation, and from these rows",
    )
    levels: Annotated[dict[str, LevelFigures], WITHOUT_NULLS] = Field(
        default_factory=dict, description="the same answers at coarser levels of the scheme"
    )
    seen: SeenRows | None = Field(
        None, description="rows whose text the model was trained on, and the metrics without them"
    )
    overlap: SeenRows | None = Field(
        None,
        description="in a run: rows whose text the leak guard removed from training, and the metrics without them",
    )

    @property
    def headline(self) -> Interval:
        """The metric that stands for all; `KeyError` where it was not measured."""
        return self.metrics[self.headline_name]
