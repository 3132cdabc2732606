"""`GlobalExplanation`: what each label of a model listens to, as `insula explain --global --json` prints it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from insula.core.scheme import Kind
from insula.evaluation.record import Document, Record
from insula.evaluation.result import Interval

ChangeKind = Literal["negated", "contrast", "intensified", "weakened"]


class WordEffect(Record):
    """The evidence that a word or phrase adds for a label: the mean over the texts that contain it."""

    text: str = Field("", description="the word or phrase in lower case")
    weight: Interval = Field(default_factory=Interval, description="mean weight over texts, with its 95% interval")
    texts: int = Field(0, description="number of texts that contain it")
    occurrences: int = Field(0, description="number of times it occurs in them")


class WordChange(Record):
    """The weight of a word in two situations: where a cue such as a negation concerns it, and elsewhere."""

    kind: ChangeKind = Field("negated", description="what the cue does; contrast: the word comes after 'but'")
    text: str = ""
    plain: float = Field(0.0, description="mean weight otherwise")
    changed: float = Field(0.0, description="mean weight if the cue applies to it")
    difference: Interval = Field(
        default_factory=Interval, description="difference between `changed` and `plain`, with its 95% interval"
    )
    plain_texts: int = 0
    changed_texts: int = 0


class ExampleWord(Record):
    """A word of an example: its characters in the text, and its weight."""

    start: int = 0
    end: int = 0
    weight: float = 0.0


class ExampleText(Record):
    """A text with a high score for a label, its personal data masked."""

    text: str = ""
    score: float = 0.0
    words: list[ExampleWord] = Field(default_factory=list)


class LabelWords(Record):
    """The words behind one label or dimension."""

    label: str = ""
    predicted: int | None = Field(None, description="number of rows with the label predicted; dimensional: null")
    raises: list[WordEffect] = Field(
        default_factory=list, description="words that raise the score of the label, the most certain first"
    )
    lowers: list[WordEffect] = Field(
        default_factory=list, description="words that lower the score of the label, the most certain first"
    )
    raising_phrases: list[WordEffect] = Field(
        default_factory=list, description="phrases that raise the score by more than any of their words"
    )
    lowering_phrases: list[WordEffect] = Field(
        default_factory=list, description="phrases that lower the score by more than any of their words"
    )
    changes: list[WordChange] = Field(
        default_factory=list, description="words whose weight clearly changes under a cue, the most certain first"
    )
    examples: list[ExampleText] = Field(default_factory=list)


class Interaction(Record):
    """The share of its weight that a word keeps under a kind of cue, over all words and labels."""

    kind: ChangeKind = "negated"
    kept: Interval = Field(
        default_factory=Interval,
        description="share of the weight that is kept: 1 is all, 0 is none, below 0 the sign changes; null "
        "with too few words",
    )
    words: int = Field(0, description="number of words that occur with and without such a cue")
    occurrences: int = Field(0, description="number of times that they occur with one")


class MeanFaithfulness(Record):
    """The faithfulness of the explanations, over the first of the explained rows, for their predicted labels."""

    rows: int = 0
    comprehensiveness: float | None = Field(
        None, description="mean drop in the score without the words with the highest weights; higher is better"
    )
    sufficiency: float | None = Field(None, description="mean drop in the score with only these words; lower is better")


class GlobalExplanation(Document):
    """The words and phrases behind each label of a model, averaged over explanations of many texts."""

    title: ClassVar[str] = "global explanation"

    format_version: int = Field(1, description="version of the file format")
    insula_version: str | None = Field(None, description="version of insula that wrote the file")
    created: str | None = Field(None, description="time at which the file was written, in UTC (ISO 8601)")
    command: str = ""
    model: str = Field("", description="the model, as given")
    family: str | None = None
    kind: Kind | None = Field(None, description="kind of the label scheme")
    data: str = Field("", description="name of the data")
    notes: list[str] = Field(default_factory=list)
    method: str = Field("", description="the explainer")
    seed: int = 0
    rows: int = Field(0, description="number of explained rows")
    available: int = Field(0, description="number of rows that they were drawn from")
    vocabulary: int = Field(0, description="number of different words in at least `min_texts` explained rows")
    min_texts: int = Field(0, description="minimum number of texts with a word or phrase for it to be listed")
    faithfulness: MeanFaithfulness = Field(default_factory=MeanFaithfulness)
    labels: list[LabelWords] = Field(default_factory=list)
    interactions: list[Interaction] = Field(default_factory=list)
    seconds: float = 0.0
