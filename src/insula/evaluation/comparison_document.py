"""`ComparisonDocument`: the content of `compare.json`."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from insula.evaluation.document import SchemeRecord
from insula.evaluation.record import Document, Record
from insula.evaluation.result import Difference, Interval, McNemar


class ComparedRows(Record):
    """The rows that both sides answered."""

    name: str = ""
    rows: int = 0
    left_out: int = Field(0, description="rows whose text a model was trained on")
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
    """The headline metric of a side alone; of several models their mean, without an interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class ComparedSide(Record):
    """One side: a model, or several seeds of it."""

    name: str = ""
    headline: SideHeadline = Field(default_factory=SideHeadline)
    models: list[ComparedModel] = Field(default_factory=list)


class NameDifference(Record):
    """The F1 of a label or the Pearson correlation of a dimension: of a, of b, and b - a."""

    a: float | None = None
    b: float | None = None
    difference: Interval = Field(default_factory=Interval)
    support: int | None = Field(None, description="rows that have the label; of a dimension all rows")


class SliceDifference(Record):
    """The headline metric on a part of the rows: of a, of b, and b - a."""

    name: str = ""
    rows: int = 0
    a: float | None = None
    b: float | None = None
    difference: Interval = Field(default_factory=Interval)


class ComparedExample(Record):
    """A row and what each side answers."""

    text: str = ""
    gold: list[str] = Field(default_factory=list)
    a: list[str] = Field(default_factory=list)
    b: list[str] = Field(default_factory=list)
    confidence: float | None = Field(None, description="of the side that is right")


class ComparedExamples(Record):
    """Rows on which the sides differ, the most telling first."""

    only_a: list[ComparedExample] = Field(default_factory=list)
    only_b: list[ComparedExample] = Field(default_factory=list)


class _Heading(Document):
    """What was compared; apart, so that it comes first in the file."""

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

    headline: str = Field("", description="name of the metric that stands for all")
    rows: int = Field(0, description="rows that both sides answered")
    metrics: dict[str, Difference] = Field(
        default_factory=dict, description="name to a, b, and b - a with its interval"
    )
    by_name: dict[str, NameDifference] = Field(default_factory=dict, description="the same of each label or dimension")
    mcnemar: McNemar | None = Field(None, description="null for dimensional schemes and for several models a side")
    slices: dict[str, list[SliceDifference]] = Field(
        default_factory=dict, description="the headline by length, language and group"
    )
    examples: ComparedExamples = Field(default_factory=ComparedExamples)


class ComparisonDocument(HeadToHead, _Heading):
    """Two models, or two groups of seeds, on the same rows: the content of `compare.json`."""

    title: ClassVar[str] = "comparison"

    @property
    def main(self) -> Difference:
        """The headline metric of both sides, and their difference."""
        return self.metrics[self.headline]
