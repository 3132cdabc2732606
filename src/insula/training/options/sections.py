"""The sections of a recipe that every family shares, each with its defaults and what every option means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from insula.core.errors import UnknownNameError
from insula.text.context import Speakers
from insula.text.preparation import Preparation

Share = Annotated[float, Field(ge=0, le=1)]


def _known_steps(steps: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return Preparation(steps).steps
    except UnknownNameError as error:
        raise ValueError(str(error)) from error


TextSteps = Annotated[tuple[str, ...], AfterValidator(_known_steps)]


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Several = Annotated[tuple[str, ...], BeforeValidator(_several)]
"""A list of paths; one alone may stand without brackets."""


class Section(BaseModel):
    """A part of a recipe: unknown keys are refused, values are never changed in place."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PreparationOptions(Section):
    """Which text steps run, in training and at prediction alike."""

    steps: Literal["auto"] | TextSteps = Field(
        "auto", description="text steps in order; auto takes what helps the model family and the language"
    )
    context_turns: Literal["auto"] | Annotated[int, Field(ge=0)] = Field(
        "auto",
        description="earlier turns of a dialogue that are read with each text; auto reads 3 where the data name them "
        "(data.context, data.dialogue) and the family reads pairs, else none",
    )
    speakers: Speakers = Field(
        "relative",
        description="mark before each earlier turn: relative (A is who says the text, B the nearest other), names as "
        "given, or none",
    )


class ModelOptions(Section):
    """What every model family has: its name. A family's own options stand in the family's own file."""

    name: str


class TrainOptions(Section):
    """How a neural model is trained; `linear` has no use for it."""

    epochs: float = Field(3, gt=0, le=1000)
    batch_size: int = Field(
        32, ge=1, le=4096, description="rows a batch on average; batches of short texts have more, of long ones fewer"
    )
    accumulation: int = Field(1, ge=1, le=1024, description="batches an update, for large batches in little memory")
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(1.5e-4, gt=0, le=1)
    head_rate_factor: float = Field(10.0, gt=0, description="the head learns so many times faster")
    layer_rate_decay: float = Field(
        1.0, gt=0, le=1, description="each lower layer learns so many times as fast; not static and textcnn"
    )
    weight_decay: float = Field(0.01, ge=0, description="decoupled; biases and norms are free of it")
    warmup: Share = Field(0.1, description="share of steps over which the rate rises from zero")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="how the rate falls after warm-up")
    max_gradient_norm: float = Field(1.0, gt=0)
    averaging: float = Field(
        0.0, ge=0, lt=1, description="decay of a moving average of the weights, which is kept in their place; 0 is off"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of matrix products; auto takes bfloat16 where the hardware is fast at it"
    )
    gradient_checkpointing: bool = Field(
        False, description="less memory, a third more time; encoder, decoder and transformer"
    )
    freeze_layers: int = Field(0, ge=0, description="lowest layers kept as they are, their states computed once")
    evaluations_per_epoch: int = Field(2, ge=1, le=100)
    patience: int = Field(
        4,
        ge=1,
        description="evaluations without a better validation score, or the same at a lower loss, until it stops",
    )


class DecisionOptions(Section):
    """What is chosen on validation rows after training."""

    calibration: Literal["auto", "none", "temperature", "vector", "isotonic"] = Field(
        "auto", description="auto takes the one with the lowest cross-validated loss; dimensions: lines, or none"
    )
    thresholds: Literal["auto", "shrunk", "expected", "crossfit", "pooled", "half"] = Field(
        "auto",
        description="of multi-label schemes, a label each; binary schemes: half, or any other for one threshold by "
        "macro-F1; auto: shrunk",
    )
    class_offsets: bool = Field(False, description="single and ordinal: offsets on log scores, for macro-F1")
    coverage: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="share of validation rows answered; the least confident rest is marked as abstained"
    )


class EvaluationOptions(Section):
    """What is measured on the test rows."""

    baselines: tuple[Literal["majority", "untrained", "linear"], ...] = ("majority", "untrained", "linear")
    resamples: int = Field(1000, ge=100, description="bootstrap resamples behind each interval")
