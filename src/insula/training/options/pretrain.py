"""The options of continued pretraining."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from insula.training.options.sections import Section, Share

Fraction = Annotated[float, Field(gt=0, lt=1)]


class PretrainOptions(Section):
    """Masked language modelling (Devlin et al. 2019) on unlabelled text."""

    model: str = Field(
        "minilm", min_length=1, description="encoder to start from: alias, local folder, or hub id owner/name"
    )
    revision: str | None = Field(None, description="commit of a hub id")
    epochs: float = Field(3, gt=0, le=1000, description="passes over the texts")
    batch_size: int = Field(64, ge=1, le=4096, description="mean number of texts in a batch")
    learning_rate: float = Field(1e-4, gt=0, le=1, description="peak learning rate")
    max_tokens: int = Field(128, ge=8, le=8192, description="maximum tokens of a text; longer texts are truncated")
    masked: Fraction = Field(0.15, description="share of tokens that are masked")
    weight_decay: float = Field(0.01, ge=0, description="decoupled weight decay")
    warmup: Share = Field(0.06, description="share of steps over which the learning rate rises")
    held_out: Fraction = Field(0.05, description="share of texts (at most 2,000) on which perplexity is measured")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="number format of matrix products; auto uses bfloat16 on hardware that is fast at it"
    )
    seed: int = Field(0, ge=0, description="random seed")
