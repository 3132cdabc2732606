"""The `by_rows` list of a recipe: other options for other numbers of training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from insula.training.options.sections import Section


class RowsOptions(Section):
    """Options that a recipe takes above a number of training rows."""

    above: int = Field(ge=0, description="the options apply if there are more training rows than this")
    description: str = Field(min_length=1, description="what is trained then, for messages")
    options: Mapping[str, Any] = Field(
        description="overrides by dotted key; model.name replaces the sections model and train"
    )
