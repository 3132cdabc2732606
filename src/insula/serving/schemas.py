"""What requests say and answers hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from insula.core.model_input import ModelInput, TextOrInput, dialogue_inputs
from insula.core.model_input import Turn as CoreTurn

Output = Literal["labels", "scores", "confidence", "levels", "display"]
Language = Annotated[str, Field(pattern="^[a-z]{2}$", description="ISO 639-1 code of the display names: en, zh.")]
# What `Service.check_inputs` rejects is in the document, too.
NO_NUL = {"pattern": "^[^\\x00]*$"}
Text = Annotated[str, Field(json_schema_extra=NO_NUL)]
Speaker = Annotated[str, Field(max_length=200)]
Target = Annotated[str, Field(min_length=1, json_schema_extra=NO_NUL)]
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
    speaker: Speaker | None = Field(None, description="Who said it.")

    def to_core(self) -> CoreTurn:
        """Return the turn as models read it."""
        return CoreTurn(self.text, self.speaker)


class TextInContext(Asked):
    """A text, the conversation before it, and what its emotion is towards."""

    text: Text = Field(description="The text to classify.")
    turns: list[Turn] | None = Field(
        None, description="The earlier turns of its dialogue, oldest first, without the text itself."
    )
    speaker: Speaker | None = Field(None, description="Who says the text.")
    target: Target | None = Field(None, description="What the emotion is towards: a product, an aspect, a person.")

    @property
    def model_input(self) -> ModelInput:
        """The input as models read it."""
        return ModelInput(
            self.text,
            turns=tuple(turn.to_core() for turn in self.turns or ()),
            speaker=self.speaker,
            target=self.target,
        )


class Input(TextInContext):
    """One input with what is known of it."""

    language: Language | None = Field(None, description="ISO 639-1 code of the text; its answer carries it back.")
    id: str | None = Field(None, max_length=200, description="Your own name for it; its answer carries it back.")

    @property
    def model_input(self) -> ModelInput:
        """The input as models read it, with its id and language."""
        return replace(super().model_input, language=self.language, id=self.id)


ALTERNATIVES = ("texts", "dialogue", "inputs")


class PredictRequest(Asked):
    """Texts, a dialogue, or inputs in their contexts, to classify."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name], "properties": {name: {"type": "array"}}} for name in ALTERNATIVES]
        }
    )

    texts: list[Text] | None = Field(None, min_length=1, description="Texts, each classified by itself.")
    dialogue: list[Turn] | None = Field(
        None,
        min_length=1,
        description="Turns, oldest first. A model that reads earlier turns classifies a turn with those before it.",
    )
    judge: Literal["last", "each"] = Field("last", description="Turns of the dialogue to classify.")
    inputs: list[Input] | None = Field(None, min_length=1, description="Texts with earlier turns, targets and ids.")
    target: Target | None = Field(None, description="The target of every text that has none of its own.")
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
    def _one_alternative(self) -> Self:
        if sum(getattr(self, name) is not None for name in ALTERNATIVES) != 1:
            raise ValueError("Give one of texts, dialogue and inputs.")
        return self

    def model_inputs(self, most_turns: int) -> list[TextOrInput]:
        """Return the inputs to classify; those of a dialogue have at most `most_turns` earlier turns."""
        if self.texts is not None:
            return [text if self.target is None else ModelInput(text, target=self.target) for text in self.texts]
        if self.inputs is not None:
            given = [one.model_input for one in self.inputs]
            return [one if one.target is not None else replace(one, target=self.target) for one in given]
        turns = [turn.to_core() for turn in self.dialogue or ()]
        each = dialogue_inputs(turns, target=self.target, most=most_turns)
        return [*each] if self.judge == "each" else [each[-1]]


class Level(BaseModel):
    """A prediction at a coarser level."""

    labels: list[str]
    scores: dict[str, float]


class PredictedText(BaseModel):
    """What the model says of one text; the text itself is not said again."""

    abstained: bool = Field(description="True where the model is not sure enough to be followed.")
    labels: list[str] | None = Field(None, description="The decided labels; several, or none, where labels are a set.")
    label: str | None = Field(
        None, description="The decided label; of several the one with the highest score. Null where none is decided."
    )
    scores: dict[str, float] | None = Field(
        None, description="Calibrated probability of each label, or value of each dimension."
    )
    confidence: float | None = Field(None, description="The probability that the decision is right.")
    levels: dict[str, Level] | None = Field(None, description="The same at coarser levels of the labels.")
    display: list[str] | None = Field(None, description="The decided labels' names for people.")
    speaker: str | None = Field(None, description="Who said it, of a dialogue.")
    language: str | None = Field(None, description="The language of its input, if it was given.")
    id: str | None = Field(
        None, description="The id of its input; if it has none, the stored prediction's id, if a retention is set."
    )
    stored_id: str | None = Field(
        None, description="The stored prediction's id, if a retention is set; feedback names it under `prediction`."
    )


class ModelContext(BaseModel):
    """What a model reads besides the text."""

    context_turns: int = Field(description="How many earlier turns of a dialogue the model reads; 0 reads none.")
    reads_target: bool = Field(description="Whether the model reads a target.")


class PredictAnswer(ModelContext):
    """Answers in the order of the texts."""

    model: str
    version: str = Field(description="Changes with any file of the model.")
    unread: int = Field(description="How many inputs have earlier turns or a target although the model reads none.")
    predictions: list[PredictedText]


class ModelLine(ModelContext):
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

    top_k: Positive | None = Field(
        None, description="How many labels to return, decided ones first; all where not given."
    )


class HuggingFaceRequest(Asked):
    """A request in the shape of Hugging Face's inference servers."""

    inputs: Text | list[Text] = Field(description="A text, or several.")
    parameters: HuggingFaceParameters = HuggingFaceParameters()
    truncate: bool = Field(True, description="Long texts are always cut at the model's length.")


class HuggingFaceLabel(BaseModel):
    """A label and its score."""

    label: str
    score: float


class StreamMessage(TextInContext):
    """One text of a stream."""

    id: str | int | None = Field(None, description="The client's own name for it; the answer bears it.")
    model: str | None = Field(None, max_length=200, description="Name of a served model; the first where not given.")
    language: Language = "en"
    outputs: list[Output] = Field(list(USUAL), description="What the answer holds.")


class FeedbackRequest(TextInContext):
    """What is right, in the eyes of a person."""

    text: Text = Field(min_length=1, description="The text that was classified.")
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


Column = Annotated[str, Field(max_length=200)]


class JobColumns(BaseModel):
    """The columns of a file; those that are not given are found by their usual names."""

    text: Column | None = Field(None, description="The column with the text.")
    context: list[Column] | None = Field(
        None, description="The column with the earlier turns as a list, or columns with one turn each, oldest first."
    )
    dialogue: Column | None = Field(
        None,
        description="The column whose equal values make one dialogue; the rows before a row are its earlier turns.",
    )
    turn: Column | None = Field(None, description="The column with the number of a turn in its dialogue.")
    speaker: Column | None = Field(None, description="The column with the speaker of the text.")
    target: Column | None = Field(None, description="The column with what the emotion is towards.")

    @property
    def named(self) -> dict[str, Any]:
        """The columns that are given, as options of `predict_file`."""
        return {name: value for name in JobColumns.model_fields if (value := getattr(self, name)) is not None}


class JobOptions(JobColumns):
    """The model and the columns of an uploaded file."""

    model: str | None = Field(None, max_length=200, description="Name of a served model; the first where not given.")


class JobRequest(JobOptions):
    """A file to be predicted in the background."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    path: str = Field(min_length=1, max_length=1000, description="A file in one of the folders of jobs.sources.")


class JobStatus(BaseModel):
    """How far a job is."""

    id: str
    status: str = Field(description="`waiting`, `running`, `done` or `failed`.")
    model: str
    rows: int = Field(description="Rows predicted so far.")
    rejected: int = Field(description="Rows that could not be read or had no text; they are in the rejects file.")
    detail: str | None = Field(None, description="Why it failed.")
    warnings: list[str] = Field(
        [], description="Remarks on a finished file, such as how many rows have turns that the model does not read."
    )
