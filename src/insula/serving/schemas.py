"""Schemas of requests and answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from insula.core.model_input import ModelInput, TextOrInput, build_dialogue_inputs
from insula.core.model_input import Turn as CoreTurn

Output = Literal["labels", "scores", "confidence", "levels", "display"]
Language = Annotated[str, Field(pattern="^[a-z]{2}$", description="ISO 639-1 code of the display names: en, zh.")]
# `Service.check_inputs` rejects NUL; the OpenAPI document says so, too.
NO_NUL = {"pattern": "^[^\\x00]*$"}
Text = Annotated[str, Field(json_schema_extra=NO_NUL)]
# A text to classify also has a character that is no blank; JSON Schema's blanks lack these separators, Python's do not.
Classified = Annotated[str, Field(json_schema_extra={"pattern": "^[^\\x00]*[^\\x00\\s\\x1c-\\x1f\\x85][^\\x00]*$"})]
Speaker = Annotated[str, Field(max_length=200)]
Target = Annotated[str, Field(min_length=1, json_schema_extra=NO_NUL)]
# In JSON Schema 3.0 is an integer.
Whole = Annotated[
    int, BeforeValidator(lambda given: int(given) if type(given) is float and given.is_integer() else given)
]
Positive = Annotated[Whole, Field(ge=1)]
DEFAULT_OUTPUTS: tuple[Output, ...] = ("labels", "scores", "confidence")


class RequestModel(BaseModel):
    """A body; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Turn(RequestModel):
    """One utterance of a dialogue."""

    text: Text = Field(description="The text of the turn.")
    speaker: Speaker | None = Field(None, description="The speaker of the turn.")

    def to_core(self) -> CoreTurn:
        """Return the turn as a model reads it."""
        return CoreTurn(self.text, self.speaker)


class DialogueTurn(Turn):
    """A turn to classify."""

    text: Classified = Field(description="The text of the turn.")


class TextInContext(RequestModel):
    """A text with the conversation before it, and the target of its emotion."""

    text: Classified = Field(description="The text to classify.")
    turns: list[Turn] | None = Field(
        None, description="The earlier turns of its dialogue, oldest first, without the text itself."
    )
    speaker: Speaker | None = Field(None, description="The speaker of the text.")
    target: Target | None = Field(None, description="Target of the emotion: a product, an aspect, a person.")

    @property
    def model_input(self) -> ModelInput:
        """The input as a model reads it."""
        return ModelInput(
            self.text,
            turns=tuple(turn.to_core() for turn in self.turns or ()),
            speaker=self.speaker,
            target=self.target,
        )


class TextWithAttributes(TextInContext):
    """A text in its context, with attributes that the rules of a model may use."""

    attributes: dict[Speaker, Speaker] = Field(
        {}, max_length=50, description="Attributes of the text for rules, such as its source."
    )

    @property
    def model_input(self) -> ModelInput:
        """The input as a model reads it, with its attributes."""
        return replace(super().model_input, attributes=self.attributes)


class Input(TextWithAttributes):
    """A text in its context, with an id, a language and attributes."""

    language: Language | None = Field(
        None, description="ISO 639-1 code of the text's language, repeated in its answer."
    )
    id: str | None = Field(None, max_length=200, description="Your own id for the input, repeated in its answer.")

    @property
    def model_input(self) -> ModelInput:
        """The input as a model reads it, with its id and language."""
        return replace(super().model_input, language=self.language, id=self.id)


ALTERNATIVES = ("texts", "dialogue", "inputs")


class PredictRequest(RequestModel):
    """Texts, a dialogue, or inputs in their contexts, to classify."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name], "properties": {name: {"type": "array"}}} for name in ALTERNATIVES]
        }
    )

    texts: list[Classified] | None = Field(None, min_length=1, description="Texts, each classified on its own.")
    dialogue: list[DialogueTurn] | None = Field(
        None,
        min_length=1,
        description="Turns, oldest first. A model that reads context also reads the turns before the one it "
        "classifies.",
    )
    predict_turns: Literal["last", "each"] = Field(
        "last",
        validation_alias=AliasChoices("predict_turns", "judge"),  # `judge` until version 0.3
        description="Turns of the dialogue to classify.",
    )
    inputs: list[Input] | None = Field(None, min_length=1, description="Texts with earlier turns, targets and ids.")
    target: Target | None = Field(None, description="Default target, for texts without a target of their own.")
    model: str | None = Field(None, max_length=200, description="Name of a served model (default: the first one).")
    subject: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Id of the person the texts are about; used to erase that person's stored rows.",
    )
    language: Language = "en"
    outputs: list[Output] = Field(
        list(DEFAULT_OUTPUTS),
        description="Fields of the answers. `levels` adds coarser labels, `display` adds display names.",
    )

    @model_validator(mode="after")
    def _require_one_alternative(self) -> Self:
        if sum(getattr(self, name) is not None for name in ALTERNATIVES) != 1:
            raise ValueError("Send exactly one of texts, dialogue and inputs.")
        return self

    def to_model_inputs(self, most_turns: int) -> list[TextOrInput]:
        """Return the inputs to classify; inputs of a dialogue have at most `most_turns` earlier turns."""
        if self.texts is not None:
            return [text if self.target is None else ModelInput(text, target=self.target) for text in self.texts]
        if self.inputs is not None:
            given = [one.model_input for one in self.inputs]
            return [one if one.target is not None else replace(one, target=self.target) for one in given]
        turns = [turn.to_core() for turn in self.dialogue or ()]
        each = build_dialogue_inputs(turns, target=self.target, most=most_turns)
        return [*each] if self.predict_turns == "each" else [each[-1]]


class Level(BaseModel):
    """Labels and scores: a prediction at a coarser level, or before the rules of a model."""

    labels: list[str]
    scores: dict[str, float]


class PredictedText(BaseModel):
    """The prediction for one text, without the text."""

    abstained: bool = Field(
        description="True if the model is too uncertain to decide, or the text shows a sign of risk."
    )
    labels: list[str] | None = Field(
        None, description="The predicted labels: one, or any number of them for a multi-label model."
    )
    label: str | None = Field(
        None, description="The predicted label; of several the one with the highest score. Null if there is none."
    )
    scores: dict[str, float] | None = Field(
        None, description="Calibrated probability of each label, or value of each dimension."
    )
    confidence: float | None = Field(None, description="Probability that the predicted labels are right.")
    levels: dict[str, Level] | None = Field(None, description="Labels and scores at coarser levels.")
    display: list[str] | None = Field(None, description="Display names of the predicted labels.")
    truncated: bool | None = Field(None, description="True if the text is longer than the model reads; else absent.")
    at_risk: bool | None = Field(
        None,
        description="True if the model abstains only because the text shows a sign of risk: let a person read it. "
        "Else absent, which says nothing about the risk.",
    )
    speaker: str | None = Field(None, description="The speaker of the turn, for a dialogue.")
    language: str | None = Field(None, description="The language of the input, if it was given.")
    id: str | None = Field(
        None, description="The id of the input, else the id of the stored prediction if `retention.days` is set."
    )
    rules: list[str] | None = Field(None, description="Names of the rules that changed the prediction, if any did.")
    before: Level | None = Field(None, description="Labels and scores before the rules, if they changed them.")
    stored_id: str | None = Field(
        None,
        description="The id of the stored prediction if `retention.days` is set; send it as `prediction` in feedback.",
    )


class ModelContext(BaseModel):
    """The context that a model reads besides the text."""

    context_turns: int = Field(description="Number of earlier turns of a dialogue that the model reads; 0 for none.")
    reads_target: bool = Field(description="Whether the model reads a target.")


class PredictResponse(ModelContext):
    """Answers in the order of the texts."""

    model: str
    version: str = Field(description="Digest of the model's files; it changes when any of them does.")
    unread: int = Field(description="Number of inputs with earlier turns or a target that the model does not read.")
    truncated: int = Field(description="Number of texts longer than the model reads.")
    predictions: list[PredictedText]


class ModelLine(ModelContext):
    """A served model."""

    name: str
    version: str
    family: str
    kind: str
    labels: list[str]
    measured: str | None = Field(None, description="Headline metric of the model, in one sentence.")


class ModelList(BaseModel):
    """The served models; the first one answers requests that name no model."""

    models: list[ModelLine]


class ModelDetails(ModelLine):
    """A served model with its labels, metrics and card."""

    display: dict[str, dict[str, str]] = Field(description="Display names of the labels, by language.")
    levels: dict[str, list[str]] = Field(description="Coarser levels and their labels.")
    ranges: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = Field(
        description="Minimum and maximum value of each dimension."
    )
    abstains_below: float | None = Field(None, description="The confidence below which the model abstains.")
    metrics: dict[str, Any] = Field(description="The metrics measured on the evaluation rows.")
    card: str | None = Field(None, description="The model card, in Markdown.")


class InferenceParameters(RequestModel):
    """Parameters of a request in the shape of Hugging Face's inference API."""

    top_k: Positive | None = Field(None, description="Number of labels to return, predicted ones first (default: all).")
    function_to_apply: Literal["softmax", "sigmoid", "none"] | None = Field(
        None,
        description="Function applied to the logits: the model's own, `softmax` or `sigmoid` (default), or `none` "
        "for raw scores.",
    )


class InferenceOptions(RequestModel):
    """Options of Hugging Face's inference API, accepted for compatibility: there is no cache and nothing to load."""

    use_cache: bool = True
    wait_for_model: bool = False


class InferenceRequest(RequestModel):
    """A request in the shape of Hugging Face's inference API."""

    inputs: Classified | Annotated[list[Classified], Field(min_length=1)] = Field(
        description="A text, or a list of texts."
    )
    parameters: InferenceParameters = InferenceParameters()
    options: InferenceOptions = InferenceOptions()


Sequence = Annotated[list[Classified], Field(min_length=1, max_length=2)]


class TeiRequest(RequestModel):
    """A request in the shape of text-embeddings-inference."""

    inputs: Classified | Sequence | Annotated[list[Sequence], Field(min_length=1)] = Field(
        description="A text, a pair `[text, context]`, or a batch `[[text], [text, context]]`."
    )
    raw_scores: bool = Field(False, description="Return logits: log-probabilities, or log-odds of a multi-label model.")
    truncate: bool | None = Field(
        None, description="Accepted for compatibility: long texts are always truncated to the model's length."
    )
    truncation_direction: Literal["Right", "right"] = Field(
        "Right", description="Side at which long texts are truncated: only the end, `Right`, is supported."
    )

    @property
    def sequences(self) -> list[list[str]]:
        """The texts or pairs to classify."""
        if isinstance(self.inputs, str):
            return [[self.inputs]]
        return self.inputs if self.is_batch else [self.inputs]  # type: ignore[return-value, list-item]

    @property
    def is_batch(self) -> bool:
        """Whether the answer is a list for each sequence."""
        return isinstance(self.inputs, list) and isinstance(self.inputs[0], list)


class TeiInfo(BaseModel):
    """The served model and the limits, in the shape of text-embeddings-inference."""

    model_id: str
    model_sha: str = Field(description="Digest of the model's files; it changes when any of them does.")
    model_type: dict[str, Any]
    max_concurrent_requests: int
    max_batch_tokens: int
    max_batch_requests: int
    max_client_batch_size: int
    auto_truncate: bool
    version: str


class LabelScore(BaseModel):
    """A label and its score."""

    label: str
    score: float


class StreamMessage(TextWithAttributes):
    """One message of a stream."""

    id: Annotated[str, Field(max_length=200)] | int | None = Field(
        None, description="Your own id for the message, repeated in its answer."
    )
    model: str | None = Field(None, max_length=200, description="Name of a served model (default: the first one).")
    language: Language = "en"
    outputs: list[Output] = Field(list(DEFAULT_OUTPUTS), description="Fields of the answer.")


class FeedbackRequest(TextInContext):
    """A person's correction or confirmation of a prediction."""

    text: Text = Field(min_length=1, description="The text that was classified.")
    labels: list[str] = Field(description="The correct labels.")
    predicted: list[str] | None = Field(None, max_length=200, description="The labels that the model predicted.")
    model: str | None = Field(None, max_length=200, description="The model that predicted them.")
    note: Text | None = Field(None, max_length=1000, description="A comment.")
    subject: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Id of the person the text is about; used to erase that person's stored rows.",
    )
    prediction: str | None = Field(
        None,
        pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        description="Id of the stored prediction to correct or confirm.",
    )
