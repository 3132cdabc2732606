"""Moved and renamed names: importable under the old name for one release, with a warning."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def moved_names(module: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a `__getattr__` (PEP 562) for `module` that imports the names in `places` from their new module.

    places  old name to its new module, or to `"module:new_name"` if it was renamed

    Each use issues a `DeprecationWarning` that names the replacement. Other names raise `AttributeError` as usual.
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
