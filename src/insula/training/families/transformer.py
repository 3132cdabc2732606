"""The family `transformer`: its options and its entry."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from insula.training.families.registry import NEURAL_PACKAGES, Family
from insula.training.families.scratch import SCRATCH_TRAIN, ScratchOptions, choose_scratch_steps, locate_vectors
from insula.training.options.sections import Share


class TransformerOptions(ScratchOptions):
    """A small transformer encoder trained from scratch."""

    architecture: ClassVar[str] = "insula-transformer"

    name: Literal["transformer"] = "transformer"
    layers: int = Field(4, ge=1, le=48, description="number of transformer blocks")
    heads: int = Field(4, ge=1, description="attention heads per block; must divide the width")
    pooling: Literal["mean", "first", "attention"] = Field("mean", description="pooling of states into one vector")
    dropout: Share = Field(0.2, description="dropout on token vectors, in each block and on the pooled vector")

    @model_validator(mode="after")
    def _check_width(self) -> TransformerOptions:
        if self.width % self.heads:
            raise ValueError(
                f"the width must be a multiple of heads. Got width {self.width} with {self.heads} heads. Change one "
                "of them"
            )
        return self


FAMILY = Family(
    options=TransformerOptions,
    fitter="insula.training.fitters.scratch:fit",
    steps=choose_scratch_steps,
    locate=locate_vectors,
    extra="train",
    packages=NEURAL_PACKAGES,
    description="small transformer encoder, trained from scratch; for large data or distillation, needs insula[train]",
    train={**SCRATCH_TRAIN, "learning_rate": 5e-4, "schedule": "linear"},
    checkpoints=True,
    layered=True,
    differentiable=True,
)
