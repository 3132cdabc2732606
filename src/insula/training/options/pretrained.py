"""The options that all pretrained networks share."""

from __future__ import annotations

from pydantic import Field

from insula.training.options.sections import Share, WindowedOptions


class PretrainedOptions(WindowedOptions):
    """A pretrained Hugging Face network with a pooling and a head; the base of `encoder` and `decoder`."""

    base: str = Field(description="pretrained network: alias, local folder, or hub id owner/name")
    revision: str | None = Field(None, description="commit of the hub id")
    pooling: str = Field(description="pooling of token states into one vector")
    max_tokens: int = Field(
        128, ge=8, le=8192, description="maximum tokens read at once; longer texts are truncated in training"
    )
    dropout: Share = Field(0.1, description="dropout on the pooled vector")
