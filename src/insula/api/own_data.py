"""The data set that a model was trained on, read and split again as it was then."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from insula.api.evaluation import recorded_options
from insula.core.errors import DataError
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.models.folder import ModelFolder


def own_dataset(model: ModelFolder, data: str | Path | Sequence[str | Path] | None = None) -> Dataset:
    """Return the data set of the run that a model folder belongs to, or `data` in its place, read as for training.

    Raises what `own_source` raises.
    """
    return load_dataset(own_source(model, data), recorded_options(model.path), seed=model.metrics.get("seed", 0))


def own_source(model: ModelFolder, data: str | Path | Sequence[str | Path] | None = None) -> list[str | Path]:
    """Return what the run that a model folder belongs to was trained on, or `data` in its place.

    Raises `DataError` where the folder belongs to no run that says where its rows came from, and none is given.
    """
    state = model.path.parent / "run.json"
    source = data or (json.loads(state.read_text(encoding="utf-8")).get("source") if state.exists() else None)
    if not source:
        raise DataError(f"The model {str(model.path)!r} does not say where its rows are. Name them with --data.")
    return [source] if isinstance(source, str | Path) else list(source)
