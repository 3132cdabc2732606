"""The family `decoder`: its options and its entry."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from insula.training.families.base import locate_base
from insula.training.families.encoder import choose_encoder_steps
from insula.training.families.registry import NEURAL_PACKAGES, NEURAL_SPACE, Family
from insula.training.options.pretrained import PretrainedOptions


class DecoderOptions(PretrainedOptions):
    """A pretrained decoder language model (such as GPT-2) with a pooling and a head; needs no padding token."""

    name: Literal["decoder"] = "decoder"
    base: str = Field("distilbert/distilgpt2", description="pretrained decoder: local folder, or hub id owner/name")
    pooling: Literal["last", "mean", "attention"] = Field(
        "last", description="pooling of token states into one vector; only the last token attends to the whole text"
    )


FAMILY = Family(
    options=DecoderOptions,
    fitter="insula.training.fitters.encoder:fit",
    steps=choose_encoder_steps,
    locate=locate_base,
    extra="train",
    packages=NEURAL_PACKAGES,
    description="a pretrained decoder language model (GPT-2 family), fine-tuned; needs insula[train]",
    train={"learning_rate": 5e-5},
    space={**NEURAL_SPACE, "train.learning_rate": {"low": 1e-5, "high": 3e-4, "log": True}},
    checkpoints=True,
    layered=True,
    differentiable=True,
)
