"""What a pretraining is made of, where it stands until it is done, and what comes out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, MissingFileError
from insula.core.outputs import FolderKind
from insula.training.options.pretrain import PretrainOptions

FACTS = "pretrain.json"
ENCODER = FolderKind("pretrained encoder", (FACTS,))


@dataclass(frozen=True)
class PretrainRun:
    """A finished pretraining: `path` is an encoder's folder, `facts` what stands in its `pretrain.json`."""

    path: Path
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class PretrainInput:
    """What a pretraining is made of; written down when it begins, so that it can be gone on with.

    files, exclude  texts to learn from, and texts that must not be learnt from
    text            column with the text, None to find it by its usual names
    """

    files: tuple[str, ...]
    exclude: tuple[str, ...]
    text: str | None
    options: PretrainOptions


def unfinished(output: Path) -> Path:
    """Return the folder beside `output` in which the work stands until it is done."""
    return output.with_name(f"{output.name}.unfinished")


def begun(output: Path) -> PretrainInput:
    """Return what an interrupted pretraining was made of; `MissingFileError` where there is none to go on with."""
    file = unfinished(output) / FACTS
    if not file.exists():
        raise MissingFileError(f"There is no pretraining to go on with at {str(output)!r}. Check the path.")
    try:
        row = json.loads(file.read_text(encoding="utf-8"))
        options = PretrainOptions.model_validate(row["options"])
        return PretrainInput(tuple(row["files"]), tuple(row["exclude"]), row["text"], options)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"The file {str(file)!r} is damaged, so this cannot go on. Pretrain anew.") from error
