"""The check for optional dependencies: a clear sentence instead of an ImportError from deep inside."""

from __future__ import annotations

import importlib.util

from insula.core.errors import MissingExtraError


def require(module: str, *, extra: str | None, purpose: str) -> None:
    """Raise `MissingExtraError` unless `module` can be imported. It is looked up, not imported.

    `purpose` finishes the sentence "... is needed to <purpose>"; `extra` is None for a package that no extra brings.
    """
    if importlib.util.find_spec(module) is None:
        brings = module if extra is None else f"'insula[{extra}]'"
        raise MissingExtraError(
            f"The package {module!r} is needed to {purpose} and is not installed. Install it with: pip install {brings}"
        )
