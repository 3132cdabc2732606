"""Completion in the shell: recipes, built-in data sets and runs, next to the paths that a shell completes itself."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable


def complete_recipe(incomplete: str) -> list[str]:
    """Return the built-in recipes and TOML files that start like this."""
    from insula.training.recipe.recipe import list_builtin_recipes

    return _match_names(
        list_builtin_recipes(), incomplete, (path for path in _list_paths(incomplete) if path.endswith((".toml", "/")))
    )


def complete_data(incomplete: str) -> list[str]:
    """Return the built-in data sets and paths that start like this."""
    from insula.data.sources.sources import list_sources

    return _match_names((source.name for source in list_sources()), incomplete, _list_paths(incomplete))


def complete_model(incomplete: str) -> list[str]:
    """Return the starter model, the names of finished runs, and paths that start like this."""
    from insula.core.starter import STARTER
    from insula.models.locate import RUNS

    runs = sorted(folder.parent.name for folder in RUNS.glob("*/model"))
    return _match_names((STARTER, *runs), incomplete, _list_paths(incomplete))


def _match_names(names: Iterable[str], incomplete: str, paths: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)] + list(paths)


def _list_paths(incomplete: str) -> list[str]:
    found = sorted(glob.glob(f"{glob.escape(incomplete)}*"))
    return [f"{path}/" if os.path.isdir(path) else path for path in found]
