"""The sections of a recipe that all model families share, with the default and meaning of every option."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from insula.core.errors import UnknownNameError
from insula.text.context import Speakers
from insula.text.preparation import Preparation

Share = Annotated[float, Field(ge=0, le=1)]


def _check_steps(steps: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return Preparation(steps).steps
    except UnknownNameError as error:
        raise ValueError(str(error)) from error


TextSteps = Annotated[tuple[str, ...], AfterValidator(_check_steps)]


def _to_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Several = Annotated[tuple[str, ...], BeforeValidator(_to_tuple)]
"""A list of paths; a single path may be given without brackets."""


class Section(BaseModel):
    """A section of a recipe: unknown keys are rejected, values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PreparationOptions(Section):
    """Text preparation, the same in training and at prediction."""

    steps: Literal["auto"] | TextSteps = Field(
        "auto", description="text steps in order; auto uses those that suit the model family and the language"
    )
    context_turns: Literal["auto"] | Annotated[int, Field(ge=0)] = Field(
        "auto",
        description="number of earlier dialogue turns read with each text; auto reads 3 if the data have them "
        "(data.context, data.dialogue) and the family reads pairs, else none",
    )
    speakers: Speakers = Field(
        "relative",
        description="mark before each earlier turn: relative (A is the speaker of the text, B the nearest other), "
        "names as given, or none",
    )


class ModelOptions(Section):
    """The options of every model family: its name. Each family adds its options in `families/`."""

    name: str


WindowsOption = Literal["auto", "none", "mean", "max"]


class WindowedOptions(ModelOptions):
    """The options of families that read a limited number of tokens at once."""

    windows: WindowsOption = Field(
        "auto",
        description="texts above max_tokens at prediction: none reads their start; mean and max read all, in "
        "overlapping windows of max_tokens, and pool the logits; auto: mean if it lowers the loss on validation rows, "
        "else none",
    )


class TrainOptions(Section):
    """Training of a neural model; `linear` does not use this section."""

    epochs: float = Field(3, gt=0, le=1000, description="passes over the training rows")
    batch_size: int = Field(
        32,
        ge=1,
        le=4096,
        description="mean number of rows per batch; batches of short texts have more rows, of long texts fewer",
    )
    accumulation: int = Field(1, ge=1, le=1024, description="batches per update, for large batches in little memory")
    optimiser: Literal["adamw", "adam", "sgd"] = Field(
        "adamw", description="optimiser; each uses decoupled weight decay"
    )
    learning_rate: float = Field(1.5e-4, gt=0, le=1, description="peak learning rate of the network")
    head_rate_factor: float = Field(10.0, gt=0, description="the head's learning rate, as a multiple of learning_rate")
    layer_rate_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="learning rate of each layer as a factor of the layer above; not for static and textcnn",
    )
    weight_decay: float = Field(0.01, ge=0, description="decoupled weight decay; biases and norms do not decay")
    warmup: Share = Field(0.1, description="share of steps over which the learning rate rises from zero")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="shape in which the learning rate falls after warm-up"
    )
    max_gradient_norm: float = Field(1.0, gt=0, description="norm to which gradients are clipped")
    averaging: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="decay of a moving average of the weights, which the model then uses; 0 is off",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="number format of matrix products; auto uses bfloat16 on hardware that is fast at it"
    )
    gradient_checkpointing: bool = Field(
        False,
        description="recompute activations to save memory, for about a third more time; for encoder, decoder and "
        "transformer",
    )
    freeze_layers: int = Field(0, ge=0, description="number of lowest layers to freeze; their states are computed once")
    evaluations_per_epoch: int = Field(2, ge=1, le=100, description="validations per epoch, each with a checkpoint")
    patience: int = Field(
        4,
        ge=1,
        description="early stopping: number of validations without a better score, or an equal score with a lower loss",
    )


class DecisionOptions(Section):
    """The decision rule, chosen on validation rows after training."""

    calibration: Literal["auto", "none", "temperature", "vector", "isotonic"] = Field(
        "auto",
        description="calibration method; auto: the one with the lowest cross-validated loss; dimensional schemes: "
        "linear, or none",
    )
    thresholds: Literal["auto", "shrunk", "expected", "crossfit", "pooled", "half"] = Field(
        "auto",
        description="multi-label: method that chooses the threshold of each label; auto: shrunk; binary: half is "
        "0.5, all others choose one threshold by macro-F1",
    )
    class_offsets: bool = Field(
        False, description="single and ordinal: add offsets to log scores that maximise macro-F1"
    )
    coverage: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="share of validation rows to answer; the model abstains on the least confident ones"
    )
    energy: bool = Field(
        False,
        description="single and ordinal: make half of the abstentions those with the highest energy of the logits",
    )


class EvaluationOptions(Section):
    """The evaluation on test rows."""

    baselines: tuple[Literal["majority", "untrained", "linear"], ...] = Field(
        ("majority", "untrained", "linear"), description="baselines to measure on the same rows"
    )
    resamples: int = Field(1000, ge=100, description="number of bootstrap resamples per interval")
