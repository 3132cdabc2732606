"""The `adapter` section of a recipe: train a few added parameters instead of the whole encoder."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from insula.training.options.sections import Section, Share


class AdapterOptions(Section):
    """Small modules that are trained while the pretrained weights stay frozen; pooling and head are always trained."""

    method: Literal["none", "lora", "adalora", "bottleneck"] = Field(
        "none", description="adapter method; none trains the encoder itself; lora and adalora need insula[adapters]"
    )
    rank: int = Field(
        8, ge=1, le=1024, description="rank of each low-rank update; for adalora the mean rank after training"
    )
    alpha: float = Field(
        16.0, gt=0, description="scale of the updates: alpha/rank for lora, alpha/(1.5 rank) for adalora"
    )
    dropout: Share = Field(0.0, description="dropout on the input of a low-rank update")
    reduction: int = Field(16, ge=1, description="bottleneck: the encoder's width divided by the adapter's width")
    targets: Literal["auto", "all"] | tuple[str, ...] = Field(
        "auto",
        description="names of the linear layers to adapt; auto: queries and values (bottleneck: outputs of attention "
        "and feed-forward); all: every linear layer",
    )
    merge: bool = Field(
        True,
        description="merge the adapter into an ordinary model folder; false writes the adapter alone, which needs "
        "its base",
    )

    @model_validator(mode="after")
    def _check_targets(self) -> Self:
        if self.method == "bottleneck" and self.targets == "all":
            raise ValueError(
                'the targets of a bottleneck must be "auto" or a list of names. Set adapter.targets to one of them'
            )
        return self
