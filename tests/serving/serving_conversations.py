"""Models that read conversations, and a service that serves them next to one that reads texts alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_running import Running, running

from insula.core.model_input import Turn
from insula.models.folder import open_folder, seal
from insula.text.context import Context

DIALOGUE = (
    Turn("awful horrid angry", "anna"),
    Turn("the day was wonderful", "ben"),
    Turn("happy lovely day", "anna"),
    Turn("the morning was", "ben"),
    Turn("usual"),
)


def reading(model: Path, folder: Path, context: Context) -> Path:
    """Return a copy of a model that reads turns and targets, as one that was trained with them."""
    known = open_folder(model)
    copy = shutil.copytree(model, folder)
    file = copy / "preparation.json"
    content = json.loads(file.read_text(encoding="utf-8")) | {"context": context.to_dict()}
    file.write_text(json.dumps(content), encoding="utf-8")
    (copy / "manifest.json").unlink()
    seal(copy, family=known.family, backend=known.backend)
    return copy


@pytest.fixture(scope="session")
def joined_model(trained_run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear model that reads three turns and a target, joined to the text."""
    context = Context(turns=3, target=True, pairs=False)
    return reading(trained_run("linear", "multi").model, tmp_path_factory.mktemp("joined") / "joined", context)


@pytest.fixture(scope="session")
def pair_model(trained_run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A neural model that reads two turns as the second segment of a pair."""
    folder = tmp_path_factory.mktemp("pairs") / "pairs"
    return reading(trained_run("encoder", "multi").model, folder, Context(turns=2))


@pytest.fixture(scope="session")
def conversing(joined_model: Path, pair_model: Path, linear_model: Path) -> Iterator[Running]:
    """A service with both, and `linear-single`, which reads texts alone."""
    with running(joined_model, pair_model, linear_model) as service:
        yield service
