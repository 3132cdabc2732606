"""Options and training defaults of the families that are trained from scratch."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from insula.models.pretrained import locate_encoder
from insula.text.preparation import WORD_STEPS
from insula.training.fitting import Base
from insula.training.options.sections import ModelOptions, Share, WindowedOptions

SCRATCH_TRAIN: dict[str, Any] = {
    "epochs": 20,
    "learning_rate": 1e-3,
    "head_rate_factor": 1.0,
    "schedule": "constant",
    "evaluations_per_epoch": 1,
    "patience": 4,
}
"""Small networks trained from scratch need higher learning rates and more epochs, with early stopping."""


class ScratchOptions(WindowedOptions):
    """A network trained from scratch, with a vocabulary built from the training texts."""

    architecture: ClassVar[str]  # a name in `models.architectures`
    fixed: ClassVar[dict[str, Any]] = {}  # settings of the architecture that the family fixes

    vocabulary: Literal["auto", "words", "subwords"] = Field(
        "auto",
        description="entries of the vocabulary, which is built from the training texts; auto: words, for Chinese "
        "sub-words",
    )
    vocabulary_size: Literal["auto"] | Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        "auto", description="maximum size of the vocabulary; auto: 30000 words or 8000 sub-words"
    )
    min_count: int = Field(
        2, ge=1, description="minimum number of occurrences in the training texts; rarer words become the unknown token"
    )
    vectors: Literal["random", "distilled"] = Field(
        "random", description="initial token vectors; distilled: a pretrained encoder's vector of each word"
    )
    vectors_from: str = Field(
        "minilm", description="encoder of distilled vectors: alias, local folder, or hub id owner/name"
    )
    width: int = Field(256, ge=1, le=4096, description="width of a token vector")
    max_tokens: int = Field(
        256, ge=1, le=8192, description="maximum tokens read at once; longer texts are truncated in training"
    )
    dropout: Share = Field(0.5, description="dropout on token vectors and on the pooled vector")
    word_dropout: Share = Field(0.0, description="share of tokens replaced by the unknown token in training")

    def to_settings(self) -> dict[str, Any]:
        """Return the options that the architecture's configuration takes."""
        vocabulary_options = {
            "name",
            "windows",
            "vocabulary",
            "vocabulary_size",
            "min_count",
            "vectors",
            "vectors_from",
        }
        return {**self.model_dump(exclude=vocabulary_options), **self.fixed}


def locate_vectors(options: ModelOptions) -> Base | None:
    """Return the encoder from which the initial vectors are distilled; None for random vectors."""
    if isinstance(options, ScratchOptions) and options.vectors == "distilled":
        return Base(locate_encoder(options.vectors_from))
    return None


def choose_scratch_steps(options: ModelOptions, base: Base | None = None) -> tuple[str, ...]:
    """Return the steps for words: emoji as words, lower case, segmented Chinese."""
    return WORD_STEPS
