"""The family `encoder`: its options, the text steps that help it, its entry."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from insula.models.tokens.tokenization import TextTokenizer
from insula.text.emojis import COMMON_EMOJI
from insula.text.preparation import ENCODER_STEPS
from insula.training.families.base import locate_base
from insula.training.families.registry import NEURAL_PACKAGES, NEURAL_SPACE, Family
from insula.training.fitting import Base
from insula.training.options.pretrained import PretrainedOptions
from insula.training.options.sections import ModelOptions

ShareToKeep = Annotated[float, Field(gt=0, le=1)]


class EncoderOptions(PretrainedOptions):
    """A pretrained Hugging Face encoder with a pooling and a head."""

    name: Literal["encoder"] = "encoder"
    base: str = Field(
        "minilm",
        description="pretrained encoder: alias, local folder, or hub id owner/name; or the model folder of an "
        "encoder trained on the same labels, whose head is kept",
    )
    pooling: Literal["mean", "first", "attention"] = Field(
        "mean", description="pooling of token states into one vector"
    )
    keep_layers: int | None = Field(None, ge=1, description="prune a trained base to this number of layers")
    keep_heads: ShareToKeep | None = Field(None, description="prune a trained base to this share of each layer's heads")
    keep_width: ShareToKeep | None = Field(
        None, description="prune a trained base to this share of each layer's feed-forward neurons, a multiple of 8"
    )


def choose_encoder_steps(options: ModelOptions, base: Base | None = None) -> tuple[str, ...]:
    """Return the steps for a pretrained network: emoji become words if its vocabulary does not have them."""
    if not isinstance(options, PretrainedOptions):
        raise TypeError(
            f"The options of choose_encoder_steps must be PretrainedOptions. Got {type(options).__name__}. Derive the "
            "options of the family from PretrainedOptions."
        )
    file = (base or locate_base(options)).folder / "tokenizer.json"
    # Without this file the tokenizer is converted only in training, so emoji are always replaced by words.
    knows_emoji = (
        file.exists() and TextTokenizer(file, max_tokens=options.max_tokens).compute_known_share(COMMON_EMOJI) > 0.5
    )
    return tuple(step for step in ENCODER_STEPS if not (knows_emoji and step == "emoji"))


FAMILY = Family(
    options=EncoderOptions,
    fitter="insula.training.fitters.encoder:fit",
    steps=choose_encoder_steps,
    locate=locate_base,
    extra="train",
    packages=NEURAL_PACKAGES,
    adapts=True,
    freezes=True,
    checkpoints=True,
    layered=True,
    differentiable=True,
    pairs=True,
    prunes=True,
    space={
        **NEURAL_SPACE,
        "train.learning_rate": {"low": 2e-5, "high": 5e-4, "log": True},
    },
    description="a pretrained Hugging Face encoder, fine-tuned; needs insula[train]",
)
