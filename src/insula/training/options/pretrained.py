"""Options that pretrained networks share."""

from __future__ import annotations

from pydantic import Field

from insula.training.options.sections import ModelOptions, Share


class PretrainedOptions(ModelOptions):
    """A pretrained Hugging Face network with a pooling and a head: what `encoder` and `decoder` share."""

    base: str = Field(description="alias, local folder, or hub id owner/name")
    revision: str | None = Field(None, description="commit of the hub id")
    pooling: str = Field(description="token states to one vector")
    max_tokens: int = Field(128, ge=8, le=8192, description="longer texts are cut")
    dropout: Share = Field(0.1, description="on the pooled vector")
