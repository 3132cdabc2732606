"""A small model in memory and its run on disk, and the rows it is asked about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from insula.inference.predictor import Predictor


@pytest.fixture(scope="session")
def run(trained_run: Callable[..., Any]) -> Path:
    """A finished linear run, single label: negative, neutral, positive. Only to read."""
    return Path(trained_run("linear", "single").path)


@pytest.fixture(scope="session")
def predictor(run: Path) -> Predictor:
    """Its model."""
    return Predictor.load(run)
