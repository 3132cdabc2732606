"""The `augment` section of a recipe: changed copies of training rows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from insula.augmentation.registry import augmenters
from insula.augmentation.translation.translator import parse_translator
from insula.core.errors import CHOOSE, DataError, UnknownNameError, suggest
from insula.training.options.sections import Section, Several, Share


class AugmentOptions(Section):
    """Augmentation: changed copies of training rows. Validation and test rows are never augmented."""

    methods: Several = Field(
        (), description="augmenters; each copy is made by a random one of them; none: no augmentation"
    )
    times: int = Field(1, ge=1, le=100, description="copies of each training row")
    mode: Literal["once", "epoch"] = Field(
        "once", description="once: every epoch has the same copies; epoch: every epoch has new copies"
    )
    soft_weight: Share = Field(
        0.5, description="weight of copies by methods that keep most but not all labels, as a share of the row's weight"
    )
    translator: str | None = Field(
        None, description="translator of back-translation, as for `insula data augment --translator`"
    )
    meaning: float | None = Field(
        None,
        gt=0,
        le=1,
        description="minimum cosine similarity of a copy to its text by the bilingual encoder, such as 0.9",
    )
    seed: int | None = Field(None, ge=0, description="seed of the copies; the seed of the recipe if not given")

    @field_validator("methods")
    @classmethod
    def _check_methods(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        for name in methods:
            if name not in augmenters:
                known = ", ".join(augmenters)
                raise ValueError(f"each method must be one of {known}.{suggest(name, augmenters, CHOOSE)}")
        return tuple(dict.fromkeys(methods))

    @field_validator("translator")
    @classmethod
    def _check_translator(cls, translator: str | None) -> str | None:
        if translator is not None:
            try:
                parse_translator(translator)
            except (DataError, UnknownNameError) as error:
                raise ValueError(str(error).rstrip(".")) from error
        return translator
