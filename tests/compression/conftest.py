"""Fixtures of the tests that make models smaller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import insula


@pytest.fixture(scope="session")
def onnx_folder(once: Callable[..., Path], trained_run: Callable[..., Any]) -> Path:
    """The encoder of one label, exported to a folder without its trained weights; only to read."""
    run = trained_run("encoder", "single").path
    return once("encoder-single-onnx", lambda folder: insula.export_model(run, folder))
