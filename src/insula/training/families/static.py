"""The family `static`: its options and its entry."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from insula.training.families.registry import NEURAL_PACKAGES, Family
from insula.training.families.scratch import SCRATCH_TRAIN, ScratchOptions, choose_scratch_steps, locate_vectors
from insula.training.options.sections import Share


class StaticOptions(ScratchOptions):
    """A weighted average of token vectors and a small head; predicts without torch and is the fastest family."""

    architecture: ClassVar[str] = "insula-static"

    name: Literal["static"] = "static"
    width: int = Field(128, ge=1, le=4096, description="width of a token vector")
    hidden: int = Field(
        0, ge=0, le=65536, description="width of a hidden layer between the average and the head; 0 for none"
    )
    table: Literal["float32", "float16", "int8"] = Field(
        "float16", description="number format of the stored token vectors; int8 has one scale per token"
    )
    dropout: Share = Field(0.1, description="dropout on token vectors and on the input of the head")


FAMILY = Family(
    options=StaticOptions,
    fitter="insula.training.fitters.scratch:fit",
    steps=choose_scratch_steps,
    locate=locate_vectors,
    extra="train",
    packages=NEURAL_PACKAGES,
    description="weighted average of token vectors; minutes to train, predicts without torch and in microseconds, "
    "needs insula[train]",
    train={**SCRATCH_TRAIN, "learning_rate": 2e-3},
)
