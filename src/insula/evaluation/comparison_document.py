"""`ComparisonDocument`: the content of `compare.json`."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from insula.evaluation.document import SchemeRecord
from insula.evaluation.record import Document, Record
from insula.evaluation.result import Difference, Interval, McNemar


class ComparedRows(Record):
    """The rows that both sides predicted."""

    name: str = ""
    rows: int = 0
    left_out: int = Field(0, description="rows left out because a model was trained on their text")
    notes: list[str] = Field(default_factory=list)


class ComparedModel(Record):
    """One model of a side."""

    name: str = ""
    path: str = ""
    family: str | None = None
    base: str | None = None
    seed: int | None = None
    headline: float | None = None


class SideHeadline(Record):
    """The headline metric of one side; of several models the mean, without an interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class ComparedSide(Record):
    """One side: a model, or several seeds of it."""

    name: str = ""
    headline: SideHeadline = Field(default_factory=SideHeadline)
    models: list[ComparedModel] = Field(default_factory=list)


class LabelDifference(Record):
    """A label's F1, or a dimension's Pearson correlation, in models A and B, and the difference B - A."""

    a: float | None = None
    b: float | None = None
    difference: Interval = Field(default_factory=Interval)
    support: int | None = Field(None, description="number of rows with the label; for a dimension, of all rows")


class SliceDifference(Record):
    """The headline metric on a slice of the rows: of a, of b, and b - a."""

    name: str = ""
    rows: int = 0
    a: float | None = None
    b: float | None = None
    difference: Interval = Field(default_factory=Interval)


class ComparedExample(Record):
    """A row with the prediction of each side."""

    text: str = ""
    gold: list[str] = Field(default_factory=list)
    a: list[str] = Field(default_factory=list)
    b: list[str] = Field(default_factory=list)
    confidence: float | None = Field(None, description="confidence of the side that is correct")


class ComparedExamples(Record):
    """Rows that only one side predicts correctly, the most confident first."""

    only_a: list[ComparedExample] = Field(default_factory=list)
    only_b: list[ComparedExample] = Field(default_factory=list)


class _Heading(Document):
    """The compared models and rows; a separate base class, so that its keys come first in the file."""

    format_version: int = 1
    insula_version: str | None = None
    created: str | None = None
    command: str = ""
    scheme: SchemeRecord = Field(default_factory=SchemeRecord)
    data: ComparedRows = Field(default_factory=ComparedRows)
    a: ComparedSide = Field(default_factory=ComparedSide)
    b: ComparedSide = Field(default_factory=ComparedSide)


class HeadToHead(Record):
    """Two sides on the same rows."""

    headline: str = Field("", description="name of the headline metric")
    rows: int = Field(0, description="rows that both sides predicted")
    metrics: dict[str, Difference] = Field(
        default_factory=dict, description="values of A and B for each metric, and B minus A with its interval"
    )
    by_name: dict[str, LabelDifference] = Field(
        default_factory=dict, description="values and differences for each label or dimension"
    )
    mcnemar: McNemar | None = Field(None, description="null for dimensional schemes and for several models on a side")
    slices: dict[str, list[SliceDifference]] = Field(
        default_factory=dict, description="headline metric by text length, language and group"
    )
    examples: ComparedExamples = Field(default_factory=ComparedExamples)


class ComparisonDocument(HeadToHead, _Heading):
    """Two models, or two groups of seeds, on the same rows: the content of `compare.json`."""

    title: ClassVar[str] = "comparison"

    @property
    def main(self) -> Difference:
        """The headline metric of both sides, and their difference."""
        return self.metrics[self.headline]
