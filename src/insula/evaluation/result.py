"""`Evaluation`: what was measured, as `metrics.json` holds it, and its typed parts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field

from insula.core.scheme import Kind
from insula.evaluation.record import WITHOUT_NULLS, Record


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95% interval; null where undefined or not measured."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference is significant: both ends are known and zero is not between them."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    def to_dict(self) -> dict[str, float | None]:
        """Return plain JSON types."""
        return asdict(self)


MetricsByName = Annotated[dict[str, Interval], WITHOUT_NULLS]
"""Metrics by name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The values of two sides, each the mean over its systems, and b - a with its interval."""

    a: float | None
    b: float | None
    difference: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's test on rows that exactly one of two systems predicts correctly; p is the two-sided mid-p value."""

    only_a: int
    only_b: int
    p: float


class LabelMetrics(Record):
    """The metrics of one label; null where undefined."""

    label: str = ""
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    support: int | None = Field(None, description="rows with the label")
    predicted: int | None = Field(None, description="rows with the label predicted")
    auroc: float | None = None
    average_precision: float | None = None
    brier: float | None = None
    threshold: float | None = Field(None, description="lowest score at which the label is predicted; multi-label only")


class DimensionMetrics(Record):
    """The metrics of one dimension; null where undefined."""

    name: str = ""
    mae: float | None = None
    rmse: float | None = None
    pearson: float | None = None
    spearman: float | None = None
    ccc: float | None = None


class Confusion(Record):
    """A confusion matrix."""

    labels: list[str] = Field(default_factory=list)
    counts: list[list[int]] = Field(
        default_factory=list, description="counts of rows: gold label (rows) by predicted label (columns)"
    )


class ReliabilityBin(Record):
    """The rows with a confidence in one bin; in multi-label schemes every score counts as a row."""

    low: float = 0.0
    high: float = 1.0
    confidence: float | None = Field(None, description="mean confidence in the bin")
    accuracy: float | None = Field(None, description="share of correct rows")
    count: int = 0


class PrecisionRecallCurve(Record):
    """Precision against recall of one label."""

    label: str = ""
    recall: list[float] = Field(default_factory=list)
    precision: list[float] = Field(default_factory=list)
    average_precision: float | None = None


class Slice(Record):
    """The headline metric on a slice of the rows."""

    name: str = ""
    rows: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> Interval:
        """The value with its interval."""
        return Interval(self.value, self.low, self.high)


class WordWeight(Record):
    """A word of a text: its characters, and how much it raises or lowers the evidence for a label."""

    start: int = 0
    end: int = Field(0, description="exclusive")
    weight: float = 0.0


class MistakeWords(Record):
    """The words behind a mistake, for one label or dimension: the wrongly predicted one, else the missed one."""

    label: str = ""
    method: str = Field("", description="the explainer")
    words: list[WordWeight] = Field(default_factory=list, description="the words of the quoted text")


class Mistake(Record):
    """A wrong prediction: labels, or the value of each dimension."""

    text: str = ""
    gold: list[str | float] = Field(default_factory=list)
    predicted: list[str | float] = Field(default_factory=list)
    confidence: float | None = None
    why: MistakeWords | None = Field(None, description="the words behind the first mistakes of an evaluation")


class Abstention(Record):
    """The share of rows on which the model abstains, and its accuracy on the other rows."""

    coverage: float | None = Field(None, description="share of rows on which the model does not abstain")
    threshold: float | None = Field(None, description="confidence below which the model abstains")
    accuracy_answered: float | None = Field(None, description="accuracy on the answered rows")
    accuracy_all: float | None = Field(None, description="accuracy on all rows, abstained ones included")
    aurc: float | None = Field(None, description="area under the risk-coverage curve; lower is better")
    curve: list[list[float]] = Field(default_factory=list, description="[coverage, risk] pairs")


class MacroF1ByThreshold(Record):
    """Macro-F1 with three choices of thresholds."""

    half: Interval | None = Field(None, description="with all thresholds at 0.5")
    validation: Interval | None = Field(
        None, description="with thresholds chosen on validation rows: the reported result"
    )
    test: Interval | None = Field(None, description="with thresholds chosen on the test rows: an oracle, not a result")


class LevelMetrics(Record):
    """The same predictions at a coarser level of the scheme."""

    labels: list[str] = Field(default_factory=list)
    headline: str = Field("", description="name of the headline metric")
    metrics: MetricsByName = Field(default_factory=dict)


class SeenRows(Record):
    """Rows whose text the model may have been trained on, and the metrics without them."""

    rows: int | None = None
    metrics_without: MetricsByName | None = Field(
        None, description="metrics without those rows; null if no other row is left"
    )


class Evaluation(Record):
    """The figures of a set of rows."""

    rows: int = Field(0, description="number of rows; abstained ones count in all metrics except `accuracy_answered`")
    kind: Kind | None = Field(None, description="kind of the label scheme")
    labels: list[str] = Field(default_factory=list, description="labels or dimensions, in output order")
    headline_name: str = Field("", alias="headline", description="name of the headline metric")
    metrics: MetricsByName = Field(
        default_factory=dict,
        description="`value` of each metric, with the ends of its 95% interval, `low` and `high`, if measured",
    )
    per_label: list[LabelMetrics] = Field(
        default_factory=list, description="categorical: precision, recall, F1, support and more for each label"
    )
    per_dimension: list[DimensionMetrics] = Field(
        default_factory=list, description="dimensional: errors and correlations of each dimension"
    )
    confusion: Confusion | None = Field(
        None, description="one label per row: confusion matrix, gold by predicted label"
    )
    reliability: list[ReliabilityBin] = Field(default_factory=list, description="confidence against accuracy")
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
    abstention: Abstention | None = Field(
        None, description="categorical: coverage, and accuracy on answered rows and on all rows"
    )
    macro_f1_by_threshold: MacroF1ByThreshold | None = Field(
        None,
        description="multi-label and binary: macro-F1 with thresholds of 0.5, from validation rows, from the test rows",
    )
    levels: Annotated[dict[str, LevelMetrics], WITHOUT_NULLS] = Field(
        default_factory=dict, description="the same predictions at coarser levels of the scheme"
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
        """The headline metric; `KeyError` where it was not measured."""
        return self.metrics[self.headline_name]
