"""The `linear` backend: sparse features times one matrix, with scipy."""

from __future__ import annotations

from pathlib import Path

from insula.inference.engine import DEFAULT, EngineSettings
from insula.models.networks.linear import LinearModel


def open_linear(folder: Path, _: EngineSettings = DEFAULT) -> LinearModel:
    """Load the linear model of a folder, which is its own backend."""
    return LinearModel.load(folder)
