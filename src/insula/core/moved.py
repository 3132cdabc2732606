"""Names that have moved: importable from their old place for one release, with a warning."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def moved_names(module: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a `__getattr__` (PEP 562) for `module`: names in `places` are imported from where they are now.

    places  name to the module that defines it now, or to `"module:new_name"` where it was renamed, too

    Each use raises a `DeprecationWarning` that names the new place; other names raise `AttributeError` as usual.
    """

    def moved(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, new_name = places[name].partition(":")
        warnings.warn(
            f"{module}.{name} has moved: use {place}.{new_name or name}. The old name works until version 0.3.",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(importlib.import_module(place), new_name or name)

    return moved
