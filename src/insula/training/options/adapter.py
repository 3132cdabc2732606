"""The section `adapter` of a recipe: training a few added parameters in place of the whole encoder."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from insula.training.options.sections import Section, Share


class AdapterOptions(Section):
    """Which small modules are trained while the pretrained weights stay as they are; pooling and head are always."""

    method: Literal["none", "lora", "adalora", "bottleneck"] = Field(
        "none", description="none trains the encoder itself; lora and adalora need insula[adapters]"
    )
    rank: int = Field(8, ge=1, le=1024, description="of each low-rank update; for adalora their mean once it is done")
    alpha: float = Field(16.0, gt=0, description="lora: updates count alpha/rank times; adalora: alpha/(1.5 rank)")
    dropout: Share = Field(0.0, description="on what goes into a low-rank update")
    reduction: int = Field(16, ge=1, description="bottleneck: width of the encoder divided by the adapter's width")
    targets: Literal["auto", "all"] | tuple[str, ...] = Field(
        "auto",
        description="names of the linear maps that get one; auto: queries and values, for bottleneck what ends "
        "attention and feed-forward; all: each linear map of each layer",
    )
    merge: bool = Field(
        True,
        description="write an ordinary model folder; false keeps only what was trained, beside a base that must stay",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.method == "bottleneck" and self.targets == "all":
            raise ValueError('the targets of a bottleneck must be "auto" or names: set adapter.targets to one of them')
        return self
