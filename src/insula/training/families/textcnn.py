"""The family `textcnn`: its options and its entry."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from insula.training.families.registry import NEURAL_PACKAGES, Family
from insula.training.families.scratch import SCRATCH_TRAIN, ScratchOptions, choose_scratch_steps, locate_vectors


class TextCnnOptions(ScratchOptions):
    """Convolutions over words with max-over-time pooling (Kim 2014)."""

    architecture: ClassVar[str] = "insula-textcnn"

    name: Literal["textcnn"] = "textcnn"
    filter_widths: tuple[Annotated[int, Field(ge=1, le=50)], ...] = Field(
        (3, 4, 5), min_length=1, description="widths of the filters, in words"
    )
    maps: int = Field(100, ge=1, description="number of filters of each width")


FAMILY = Family(
    options=TextCnnOptions,
    fitter="insula.training.fitters.scratch:fit",
    steps=choose_scratch_steps,
    locate=locate_vectors,
    extra="train",
    packages=NEURAL_PACKAGES,
    description="convolutions over words (Kim 2014), trained from scratch; minutes to train, needs insula[train]",
    train=SCRATCH_TRAIN,
    differentiable=True,
)
