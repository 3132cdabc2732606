"""What requests say and answers hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Output = Literal["labels", "scores", "confidence", "levels", "display"]
Language = Annotated[str, Field(pattern="^[a-z]{2}$", description="ISO 639-1 code of the display names: en, zh.")]
# What `check_texts` refuses, said in the document as well.
Text = Annotated[str, Field(json_schema_extra={"pattern": "^[^\\x00]*$"})]
# JSON knows no integers: 3.0 is one, as JSON Schema has it.
Positive = Annotated[
    int,
    Field(ge=1),
    BeforeValidator(lambda given: int(given) if type(given) is float and given.is_integer() else given),
]
USUAL: tuple[Output, ...] = ("labels", "scores", "confidence")


class Asked(BaseModel):
    """A body; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Turn(Asked):
    """One utterance of a dialogue."""

    text: Text = Field(description="What was said.")
    speaker: str | None = Field(None, max_length=200, description="Who said it.")


class PredictRequest(Asked):
    """Texts, or a dialogue, to be judged."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["texts"], "properties": {"texts": {"type": "array"}}},
                {"required": ["dialogue"], "properties": {"dialogue": {"type": "array"}}},
            ]
        }
    )

    texts: list[Text] | None = Field(None, min_length=1, description="Texts, each judged by itself.")
    dialogue: list[Turn] | None = Field(None, min_length=1, description="Turns, oldest first, in place of texts.")
    judge: Literal["last", "each"] = Field("last", description="Of a dialogue: its last turn, or every one.")
    model: str | None = Field(None, max_length=200, description="Name of a served model; the first where not given.")
    subject: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Whom the texts are about, so that what is stored can be erased.",
    )
    language: Language = "en"
    outputs: list[Output] = Field(
        list(USUAL), description="What answers hold. `levels` are coarser labels, `display` names for people."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.texts is None) == (self.dialogue is None):
            raise ValueError("Give either texts or a dialogue.")
        return self

    @property
    def judged(self) -> list[str]:
        """The texts to judge."""
        if self.texts is not None:
            return self.texts
        turns = self.dialogue or []
        return [turn.text for turn in (turns if self.judge == "each" else turns[-1:])]


class Level(BaseModel):
    """A prediction at a coarser level."""

    labels: list[str]
    scores: dict[str, float]


class PredictedText(BaseModel):
    """What the model says of one text; the text itself is not said again."""

    abstained: bool = Field(description="True where the model is not sure enough to be followed.")
    labels: list[str] | None = Field(None, description="The decided labels; several, or none, where labels are a set.")
    label: str | None = Field(None, description="The label with the highest score.")
    scores: dict[str, float] | None = Field(
        None, description="Calibrated probability of each label, or value of each dimension."
    )
    confidence: float | None = Field(None, description="The probability that the decision is right.")
    levels: dict[str, Level] | None = Field(None, description="The same at coarser levels of the labels.")
    display: list[str] | None = Field(None, description="The decided labels' names for people.")
    speaker: str | None = Field(None, description="Who said it, of a dialogue.")
    id: str | None = Field(None, description="The stored prediction's id, where a retention is set.")


class PredictAnswer(BaseModel):
    """Answers in the order of the texts."""

    model: str
    version: str = Field(description="Changes with any file of the model.")
    predictions: list[PredictedText]


class ModelLine(BaseModel):
    """A served model."""

    name: str
    version: str
    family: str
    kind: str
    labels: list[str]
    measured: str | None = Field(None, description="How good it is, in one sentence.")


class ModelList(BaseModel):
    """The served models; the first is asked where a request names none."""

    models: list[ModelLine]


class ModelDetails(ModelLine):
    """All that is known of a model."""

    display: dict[str, dict[str, str]] = Field(description="Language to {label: name for people}.")
    levels: dict[str, list[str]] = Field(description="Coarser levels and their labels.")
    ranges: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = Field(
        description="Lowest and highest value of each dimension."
    )
    abstains_below: float | None = Field(None, description="The confidence below which the model is not sure.")
    metrics: dict[str, Any] = Field(description="The measured figures of the rows of evaluation.")
    card: str | None = Field(None, description="The model card, in Markdown.")


class HuggingFaceParameters(Asked):
    """How many labels an answer holds."""

    top_k: Positive | None = Field(None, description="So many of the highest scores; all where not given.")


class HuggingFaceRequest(Asked):
    """A request in the shape of Hugging Face's inference servers."""

    inputs: Text | list[Text] = Field(description="A text, or several.")
    parameters: HuggingFaceParameters = HuggingFaceParameters()
    truncate: bool = Field(True, description="Long texts are always cut at the model's length.")


class HuggingFaceLabel(BaseModel):
    """A label and its score."""

    label: str
    score: float


class StreamMessage(Asked):
    """One text of a stream."""

    text: Text = Field(description="The text.")
    id: str | int | None = Field(None, description="The client's own name for it; the answer bears it.")
    model: str | None = Field(None, max_length=200, description="Name of a served model; the first where not given.")
    language: Language = "en"
    outputs: list[Output] = Field(list(USUAL), description="What the answer holds.")


class FeedbackRequest(Asked):
    """What is right, in the eyes of a person."""

    text: Text = Field(min_length=1, description="The text that was judged.")
    labels: list[str] = Field(description="The labels that are right.")
    predicted: list[str] | None = Field(None, max_length=200, description="The labels that the model gave.")
    model: str | None = Field(None, max_length=200, description="The model that was asked.")
    note: Text | None = Field(None, max_length=1000, description="Why.")
    subject: str | None = Field(
        None, min_length=1, max_length=200, description="Whose text it is, so that it can be erased."
    )
    prediction: str | None = Field(
        None,
        pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        description="The id of the stored prediction it is about.",
    )


class JobRequest(Asked):
    """A file to be predicted in the background."""

    path: str = Field(min_length=1, max_length=1000, description="A file in one of the folders of jobs.sources.")
    model: str | None = Field(None, max_length=200, description="Name of a served model; the first where not given.")
    text: str | None = Field(None, max_length=200, description="The column with the text; found where not given.")


class JobStatus(BaseModel):
    """How far a job is."""

    id: str
    status: str = Field(description="`waiting`, `running`, `done` or `failed`.")
    model: str
    rows: int = Field(description="Rows predicted so far.")
    rejected: int = Field(description="Rows that could not be read or had no text; they are in the rejects file.")
    detail: str | None = Field(None, description="Why it failed.")
