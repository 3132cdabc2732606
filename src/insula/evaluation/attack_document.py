"""`AttackDocument`: the result of attacking a model, as `insula attack --json` prints it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from insula.evaluation.record import Document, Record
from insula.evaluation.result import Interval

WORST = 20
"""Number of pairs in the document."""


class AttackedText(Record):
    """A text that the model predicted correctly, and its version after the attack."""

    row: int = Field(0, description="the row among those that were read, from 1")
    text: str = ""
    changed: str = ""
    before: list[str] = Field(default_factory=list, description="predicted labels of the text")
    after: list[str] = Field(default_factory=list, description="predicted labels of the changed text")
    confidence_before: float = Field(0.0, description="confidence in the labels of the text")
    confidence_after: float = Field(0.0, description="confidence in the same labels after the attack")
    words: int = Field(0, description="number of words, without punctuation and emoji")
    edits: int = Field(0, description="number of changed words")
    queries: int = Field(0, description="number of predicted texts")
    meaning: float | None = Field(None, description="cosine similarity of both texts by the bilingual encoder")


class AttackDocument(Document):
    """The figures of an attack on a model, with the worst pairs."""

    title: ClassVar[str] = "attack document"

    format_version: int = Field(1, description="version of the file format")
    insula_version: str | None = Field(None, description="version of insula that wrote the file")
    created: str | None = Field(None, description="time at which the file was written, in UTC (ISO 8601)")
    command: str = ""
    model: str = Field("", description="the model, as given")
    family: str | None = None
    data: str = Field("", description="name of the data")
    notes: list[str] = Field(default_factory=list)
    method: str = Field("", description="what the attack changes: characters or words")
    seed: int = 0
    max_queries: int = Field(0, description="maximum number of queries for a row")
    max_share: float = Field(0.0, description="maximum share of the words of a text to change, at least one word")
    available: int | None = Field(None, description="number of rows that were read, of which `rows` were drawn")
    seen: int | None = Field(None, description="number of rows read that are in the training data of the model")
    display: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="names of the labels in other languages"
    )
    min_meaning: float | None = Field(
        None, description="minimum cosine similarity of a changed text to the original; null: not compared"
    )
    rejected: int | None = Field(
        None, description="number of texts that change the decision and were rejected for their meaning"
    )
    rows: int = Field(0, description="number of rows")
    attacked: int = Field(0, description="number of rows with a correct decision, which were attacked")
    succeeded: int = Field(0, description="number of attacked rows whose decision changed")
    accuracy: Interval = Field(default_factory=Interval, description="share of rows with a correct decision")
    accuracy_under_attack: Interval = Field(default_factory=Interval, description="the same after the attack")
    success_rate: Interval = Field(
        default_factory=Interval, description="share of attacked rows whose decision changed"
    )
    mean_edited: float | None = Field(None, description="mean share of changed words in successes")
    mean_queries: float | None = Field(None, description="mean number of queries for an attacked row")
    seconds: float = 0.0
    worst: list[AttackedText] = Field(
        default_factory=list, description="successes with the fewest changed words, the most confident first"
    )
