"""How an encoder goes on with pretraining: every option and what it means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from insula.training.options.sections import Section, Share

Fraction = Annotated[float, Field(gt=0, lt=1)]


class PretrainOptions(Section):
    """Masked language modelling (Devlin et al. 2019) on unlabelled text."""

    model: str = Field("minilm", min_length=1, description="the encoder to begin with, as model.base of a recipe")
    revision: str | None = Field(None, description="commit of a hub id")
    epochs: float = Field(3, gt=0, le=1000)
    batch_size: int = Field(64, ge=1, le=4096, description="texts a batch on average")
    learning_rate: float = Field(1e-4, gt=0, le=1)
    max_tokens: int = Field(128, ge=8, le=8192, description="longer texts are cut")
    masked: Fraction = Field(0.15, description="share of tokens to be told from the others")
    weight_decay: float = Field(0.01, ge=0)
    warmup: Share = Field(0.06, description="share of steps over which the rate rises")
    held_out: Fraction = Field(0.05, description="share of texts (at most 2,000) that perplexity is measured on")
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = Field(0, ge=0, description="of every random choice")
