"""A linear search on toy data, for a process of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import toy_data
from insula.training.recipe.recipe import load_recipe
from insula.training.search import search
from insula.training.search.space import build_default_space

RECIPE = {"model": {"name": "linear", "char_ngrams": (1, 2)}, "evaluation": {"resamples": 100}}
KEYS = ("model.strengths", "model.min_df")


def main(folder: Path, trials: int, *, killed: bool) -> None:
    """Search; with `killed` the process ends in its third trial, as if the machine had failed."""
    recipe = load_recipe(RECIPE)
    space = {key: entry for key, entry in build_default_space(recipe).items() if key in KEYS}
    if killed:
        fit, fitted = search.fit_model, []

        def ends(*args: object, **kwargs: object) -> object:
            fitted.append(1)
            if len(fitted) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            return fit(*args, **kwargs)  # type: ignore[arg-type]

        search.fit_model = ends  # type: ignore[assignment]
    data = toy_data.toy_dataset("single", train=60, validation=40)
    search.run_search(data, recipe, space, folder, trials=trials)
