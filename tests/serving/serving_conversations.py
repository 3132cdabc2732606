"""Models that read conversations, and a service that serves them next to one that reads texts alone."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_running import Running, running

import toy_data
from insula.core.example import Example
from insula.core.model_input import Turn

DIALOGUE = (
    Turn("awful horrid angry", "anna"),
    Turn("the day was wonderful", "ben"),
    Turn("happy lovely day", "anna"),
    Turn("the morning was", "ben"),
    Turn("usual"),
)
SPEAKERS = ("anna", "ben")


def _conversing(examples: list[Example], *, target: bool) -> list[Example]:
    """Return each example with the text of the one before it as its earlier turn, and its last word as its target."""
    return [
        dataclasses.replace(
            example,
            turns=(Turn(before.text, SPEAKERS[row % 2]),),
            speaker=SPEAKERS[1 - row % 2],
            target=example.text.split()[-1] if target else None,
        )
        for row, (before, example) in enumerate(itertools.pairwise(examples))
    ]


def _train(recipe: dict[str, Any], folder: Path, *, target: bool) -> None:
    from insula.training.recipe.recipe import load_recipe
    from insula.training.run import train_run

    data = toy_data.toy_dataset("multi")
    splits = {name: _conversing(list(examples), target=target) for name, examples in data.splits.items()}
    train_run(dataclasses.replace(data, splits=splits), load_recipe(recipe), folder, command="test")


@pytest.fixture(scope="session")
def joined_model(tiny_recipe: Callable[..., dict[str, Any]], once: Callable[..., Path]) -> Path:
    """A linear model, called `joined`, that reads three turns and a target, joined to the text."""
    recipe = tiny_recipe("linear", {"preparation.context_turns": 3})
    return once("conversing-joined", lambda folder: _train(recipe, folder / "joined", target=True)) / "joined" / "model"


@pytest.fixture(scope="session")
def pair_model(tiny_recipe: Callable[..., dict[str, Any]], once: Callable[..., Path]) -> Path:
    """A neural model, called `pairs`, that reads two turns as the second segment of a pair."""
    recipe = tiny_recipe("encoder", {"preparation.context_turns": 2, "evaluation.baselines": []})
    return once("conversing-pairs", lambda folder: _train(recipe, folder / "pairs", target=False)) / "pairs" / "model"


@pytest.fixture(scope="session")
def conversing(joined_model: Path, pair_model: Path, linear_model: Path) -> Iterator[Running]:
    """A service with both, and with `linear-single`, which reads texts alone."""
    with running(joined_model, pair_model, linear_model) as service:
        yield service
