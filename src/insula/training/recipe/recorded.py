"""What the recipe in a model folder says, section by section: what was of no concern to a reader may be unknown."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from insula.core.errors import ModelFolderError

Section = TypeVar("Section", bound=BaseModel)


def recorded_section(model: Path, name: str, options: type[Section], *, tells: str) -> Section:
    """Return a section of the recipe that a model was trained by; its defaults where the folder has no recipe.

    tells   what the section says, for the error: `how its data was read`

    Raises `ModelFolderError` where the section is not one that this insula knows.
    """
    file = model / "recipe.toml"
    try:
        recipe = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return options.model_validate(recipe.get(name, {}))
    except ValueError as error:  # not TOML, or options that this insula does not know
        raise ModelFolderError(
            f"The {file.name} of model folder {str(model)!r} does not say {tells} in words that this insula knows. "
            "Train again, or upgrade with: pip install --upgrade insula"
        ) from error
