"""The input of pretraining, its working folder and its result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, MissingFileError
from insula.core.outputs import FolderKind
from insula.data.formats.formats import DETECTED, ReadOptions
from insula.training.options.pretrain import PretrainOptions

FACTS = "pretrain.json"
ENCODER = FolderKind("pretrained encoder", (FACTS,))


@dataclass(frozen=True)
class PretrainRun:
    """A finished pretraining: `path` is the folder of the encoder, `facts` the content of its `pretrain.json`."""

    path: Path
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class PretrainInput:
    """The input of pretraining; recorded at its start, so that it can be resumed.

    files    files with texts to train on
    exclude  files with texts that must not be trained on
    text     text column, None to detect it from common column names
    reading  format, separator and header of all files, where they are not detected
    """

    files: tuple[str, ...]
    exclude: tuple[str, ...]
    text: str | None
    options: PretrainOptions
    reading: ReadOptions = DETECTED


def get_work_folder(output: Path) -> Path:
    """Return the working folder next to `output`, which exists until pretraining is finished."""
    return output.with_name(f"{output.name}.unfinished")


def read_interrupted(output: Path) -> PretrainInput:
    """Return the input of an interrupted pretraining; raises `MissingFileError` if there is none, `DataError`."""
    file = get_work_folder(output) / FACTS
    if not file.exists():
        raise MissingFileError(f"There is no interrupted pretraining at {str(output)!r}. Check the path.")
    try:
        row = json.loads(file.read_text(encoding="utf-8"))
        options = PretrainOptions.model_validate(row["options"])
        reading = ReadOptions(*row.get("reading", ()))
        return PretrainInput(tuple(row["files"]), tuple(row["exclude"]), row["text"], options, reading)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"The file {str(file)!r} is damaged, so pretraining cannot be resumed. Start it again."
        ) from error
