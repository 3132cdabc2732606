"""What the options of every family that starts from nothing have, and how such a family is trained by default."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from insula.models.pretrained import locate_encoder
from insula.text.preparation import WORD_STEPS
from insula.training.fitting import Base
from insula.training.options.sections import ModelOptions, Share

SCRATCH_TRAIN: dict[str, Any] = {
    "epochs": 20,
    "learning_rate": 1e-3,
    "head_rate_factor": 1.0,
    "schedule": "constant",
    "evaluations_per_epoch": 1,
    "patience": 4,
}
"""Small networks with everything still to learn take larger steps and more epochs, until validation gets no better."""


class ScratchOptions(ModelOptions):
    """A network that starts from nothing: its vocabulary is learnt from the training texts, its vectors from labels."""

    architecture: ClassVar[str]  # a name in `models.architectures`
    fixed: ClassVar[dict[str, Any]] = {}  # settings of the architecture that the family's name says

    vocabulary: Literal["auto", "words", "subwords"] = Field(
        "auto", description="learnt from the training texts alone; auto takes words, for Chinese sub-words"
    )
    vocabulary_size: Literal["auto"] | Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        "auto", description="most entries; auto: 30000 words or 8000 sub-words"
    )
    min_count: int = Field(2, ge=1, description="a word must stand so many times in the training texts, else unknown")
    vectors: Literal["random", "distilled"] = Field(
        "random", description="first token vectors; distilled: what a pretrained encoder says of each word alone"
    )
    vectors_from: str = Field("minilm", description="that encoder: alias, local folder, or hub id owner/name")
    width: int = Field(256, ge=1, le=4096, description="of a token vector")
    max_tokens: int = Field(256, ge=1, le=8192, description="longer texts are cut")
    dropout: Share = Field(0.5, description="on token vectors and on the pooled vector")
    word_dropout: Share = Field(0.0, description="share of tokens read as unknown while training")

    def settings(self) -> dict[str, Any]:
        """Return what the architecture's configuration takes of these options."""
        of_the_vocabulary = {"name", "vocabulary", "vocabulary_size", "min_count", "vectors", "vectors_from"}
        return {**self.model_dump(exclude=of_the_vocabulary), **self.fixed}


def locate_vectors(options: ModelOptions) -> Base | None:
    """Return the encoder from which the first vectors are distilled; None for random ones."""
    if isinstance(options, ScratchOptions) and options.vectors == "distilled":
        return Base(locate_encoder(options.vectors_from))
    return None


def scratch_steps(options: ModelOptions, base: Base | None = None) -> tuple[str, ...]:
    """Return the steps for words: emoji spelt out, lower case, Chinese in words."""
    return WORD_STEPS
