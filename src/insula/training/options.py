"""The sections of a recipe, each a validated model with its defaults and what every option means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from insula.core.errors import UnknownNameError
from insula.text.preparation import Preparation

Share = Annotated[float, Field(ge=0, le=1)]


def _rising(lengths: tuple[int, int]) -> tuple[int, int]:
    if lengths[0] > lengths[1]:
        raise ValueError("the shortest n-gram must not be longer than the longest")
    return lengths


def _known_steps(steps: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return Preparation(steps).steps
    except UnknownNameError as error:
        raise ValueError(str(error)) from error


NgramRange = Annotated[tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]], AfterValidator(_rising)]
TextSteps = Annotated[tuple[str, ...], AfterValidator(_known_steps)]


class Section(BaseModel):
    """A part of a recipe: unknown keys are refused, values are never changed in place."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PreparationOptions(Section):
    """Which text steps run, in training and at prediction alike."""

    steps: Literal["auto"] | TextSteps = Field(
        "auto", description="text steps in order; auto takes what helps the model family and the language"
    )


class ModelOptions(Section):
    """What every model family has: its name. Families add their own options."""

    name: str


class LinearOptions(ModelOptions):
    """TF-IDF n-grams and logistic (or ridge) regression."""

    name: Literal["linear"] = "linear"
    word_ngrams: NgramRange = Field((1, 2), description="shortest and longest word n-gram")
    char_ngrams: NgramRange | Literal["auto"] = Field("auto", description="auto: 2 to 5; Chinese 1 to 3")
    min_df: int = Field(2, ge=1, description="an n-gram must stand in so many training texts")
    strengths: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (1.0, 3.0, 10.0), min_length=1, description="values of C (inverse regularisation) tried on validation"
    )
    class_weight: Literal["choose", "none", "balanced"] = Field(
        "choose", description="balanced counts each class alike; choose tries it on validation at the best strength"
    )


class EncoderOptions(ModelOptions):
    """A pretrained Hugging Face encoder with a pooling and a head."""

    name: Literal["encoder"] = "encoder"
    base: str = Field("minilm", description="alias, local folder, or hub id owner/name")
    revision: str | None = Field(None, description="commit of the hub id")
    pooling: Literal["mean", "first", "attention"] = Field("mean", description="token states to one vector")
    max_tokens: int = Field(128, ge=8, le=8192, description="longer texts are cut")
    dropout: Share = Field(0.1, description="on the pooled vector")


class TrainOptions(Section):
    """How a neural model is trained; `linear` has no use for it."""

    objective: str = Field("auto", description="sigmoid, softmax or squared; auto follows the label scheme")
    epochs: float = Field(3, gt=0, le=1000)
    batch_size: int = Field(32, ge=1, le=4096)
    learning_rate: float = Field(1.5e-4, gt=0, le=1)
    head_rate_factor: float = Field(10.0, gt=0, description="the head learns so many times faster")
    weight_decay: float = Field(0.01, ge=0, description="decoupled; biases and norms are free of it")
    warmup: Share = Field(0.1, description="share of steps over which the rate rises from zero")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="how the rate falls after warm-up")
    max_gradient_norm: float = Field(1.0, gt=0)
    freeze_layers: int = Field(0, ge=0, description="lowest layers kept as they are, their states computed once")
    evaluations_per_epoch: int = Field(2, ge=1, le=100)
    patience: int = Field(4, ge=1, description="evaluations without a better validation score before it stops")


class DecisionOptions(Section):
    """What is chosen on validation rows after training."""

    calibrate: bool = True
    tune_thresholds: bool = Field(True, description="per-label thresholds for multi-label schemes; else 0.5")
    coverage: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="share of validation rows answered; the least confident rest is marked as abstained"
    )


class EvaluationOptions(Section):
    """What is measured on the test rows."""

    baselines: tuple[Literal["majority", "untrained", "linear"], ...] = ("majority", "untrained", "linear")
    resamples: int = Field(1000, ge=100, description="bootstrap resamples behind each interval")
