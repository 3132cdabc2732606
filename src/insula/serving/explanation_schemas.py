"""Schemas of `POST /v1/explain` and `POST /v1/counterfactual`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from insula.core.model_input import ModelInput, TextOrInput
from insula.serving.schemas import Classified, Input, ModelContext, PredictedText, RequestModel, Target

ALTERNATIVES = ("texts", "inputs")


class TextsRequest(RequestModel):
    """Texts, or inputs in their contexts, whose predictions are explained."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name], "properties": {name: {"type": "array"}}} for name in ALTERNATIVES]
        }
    )

    texts: list[Classified] | None = Field(None, min_length=1, description="Texts, each explained on its own.")
    inputs: list[Input] | None = Field(None, min_length=1, description="Texts with earlier turns, targets and ids.")
    target: Target | None = Field(None, description="Default target, for texts without a target of their own.")
    model: str | None = Field(None, max_length=200, description="Name of a served model (default: the first one).")

    @model_validator(mode="after")
    def _require_one_alternative(self) -> Self:
        if (self.texts is None) == (self.inputs is None):
            raise ValueError("Send either texts or inputs.")
        return self

    def to_model_inputs(self) -> list[TextOrInput]:
        """Return the inputs to explain."""
        if self.texts is not None:
            return [text if self.target is None else ModelInput(text, target=self.target) for text in self.texts]
        given = [one.model_input for one in self.inputs or ()]
        return [one if one.target is not None else replace(one, target=self.target) for one in given]


class ExplainRequest(TextsRequest):
    """Texts, or inputs in their contexts, whose predictions are explained, and how."""

    method: Literal["auto", "exact", "contexts", "occlusion", "partition", "surrogate", "alone"] = Field(
        "auto", description="Method of explanation; `auto` is `exact` if the model supports it, else `contexts`."
    )
    labels: list[Annotated[str, Field(max_length=200)]] = Field(
        [], max_length=500, description="Labels to explain (default: the predicted ones)."
    )
    budget_ms: Annotated[float, Field(gt=0, le=60_000, strict=False)] | None = Field(
        None, description="Milliseconds per text; the method is chosen to fit."
    )
    faithfulness: bool = Field(
        True,
        validation_alias=AliasChoices("faithfulness", "trust"),  # `trust` until version 0.3
        description="Whether to measure how faithful each explanation is to the model.",
    )


class WordNote(BaseModel):
    """A remark on a word by a rule of the language or of the user."""

    kind: Literal["negated", "contrast", "intensified", "weakened", "rule"]
    by: str = Field(description="The word that changes the meaning of this one, or the name of the rule.")


class ExplainedWord(BaseModel):
    """A word of a text; in a very long text several neighbours."""

    text: str
    start: int = Field(description="Position of the first character in the text.")
    end: int = Field(description="Position after the last character.")
    notes: list[WordNote] | None = Field(None, description="Words and rules that affect the word, if any.")


class FaithfulnessFigures(BaseModel):
    """The faithfulness of the weights for one label to the model."""

    completeness_error: float = Field(
        description="Gap between the sum of the weights and the change in evidence when all words are removed; 0 is "
        "exact."
    )
    comprehensiveness: float = Field(
        description="Drop in the score without the words with the highest weights; higher is better."
    )
    sufficiency: float = Field(description="Drop in the score with only those words; lower is better.")
    agreement: float | None = Field(description="Rank correlation with the weights of a second method.")


class WordWeights(BaseModel):
    """The evidence that each word adds for each label."""

    method: str
    words: list[ExplainedWord]
    weights: dict[str, list[float]] = Field(description="For each label, one weight per word.")
    decision: list[float] | None = Field(
        None, description="For a multi-label model, one weight per word for its decision as a whole."
    )
    faithfulness: dict[str, FaithfulnessFigures] = Field(description="For each label, measures of faithfulness.")
    trust: dict[str, FaithfulnessFigures] = Field(
        deprecated=True, description="Former name of `faithfulness`, until version 0.3."
    )
    compared_with: str | None = Field(description="The second method, for `agreement`.")
    evaluations: int = Field(description="Number of variants of the text that the model read.")
    milliseconds: float


class ExplainedText(PredictedText):
    """The prediction for one text, and the words behind it."""

    explanation: WordWeights


class ExplainResponse(ModelContext):
    """Explanations in the order of the texts."""

    model: str
    version: str = Field(description="Digest of the model's files; it changes when any of them does.")
    unread: int = Field(
        description="Number of inputs that have earlier turns or a target that the model does not read."
    )
    explanations: list[ExplainedText]


class TextEdit(BaseModel):
    """One change of a text."""

    kind: Literal["opposite", "substitution", "negation", "deletion"]
    start: int = Field(description="Position of the first character that is replaced.")
    end: int = Field(description="Position after the last one; equal to `start` for an addition.")
    new: str = Field(description="Replacement text; empty for a deletion.")
    words: int = Field(description="Number of words that are replaced, added or deleted.")


class EditedPrediction(PredictedText):
    """The prediction for a text after edits."""

    words: int = Field(description="Edit distance in words.")
    edits: list[TextEdit]


class CounterfactualText(PredictedText):
    """The prediction for one text, and the smallest edit found that changes it."""

    valid: bool = Field(description="Whether `changed` has other labels than the text.")
    changed: EditedPrediction | None = Field(
        description="The smallest edit that changes the labels; if none does, the edit that comes closest to changing "
        "them."
    )
    kept: EditedPrediction | None = Field(
        description="An edit of the same number of words that does not change the labels."
    )
    evaluations: int = Field(description="Number of edited texts that the model read.")
    milliseconds: float


class CounterfactualResponse(ModelContext):
    """Edits in the order of the texts."""

    model: str
    version: str = Field(description="Digest of the model's files; it changes when any of them does.")
    unread: int = Field(
        description="Number of inputs that have earlier turns or a target that the model does not read."
    )
    counterfactuals: list[CounterfactualText]
