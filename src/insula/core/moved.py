"""Moved and renamed names and arguments: the old ones work for one release, with a warning."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


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


def renamed_arguments(**new_names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that also accepts arguments by their old names, `old="new"`, with a `DeprecationWarning`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for old in new_names.keys() & kwargs.keys():
                warnings.warn(
                    f"The argument {old} is now {new_names[old]}. The old name works until version 0.3.",
                    DeprecationWarning,
                    stacklevel=2,
                )
                kwargs[new_names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate
