"""The `rules` section of a recipe: the user's rules that change predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field

from insula.training.options.sections import Section


class RulesOptions(Section):
    """Rules that users own: domain words, constraints, overrides."""

    file: str | None = Field(
        None, description="TOML file with rules that change predictions; a copy of it is stored in the model folder"
    )

    def with_absolute_paths(self) -> Self:
        """Return the options with an absolute path."""
        return self if self.file is None else self.model_copy(update={"file": str(Path(self.file).absolute())})
