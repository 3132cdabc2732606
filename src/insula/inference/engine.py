"""`EngineSettings`: backend, threads and batch size of a model. `insula model bench` finds the fastest ones."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.core.errors import DataError
from insula.core.moved import moved_names
from insula.inference.batching import TOKEN_BUDGET

ENGINE_VERSION = 1

if not TYPE_CHECKING:
    __getattr__ = moved_names(__name__, {"Engine": f"{__name__}:EngineSettings"})


@dataclass(frozen=True)
class EngineSettings:
    """Settings to run a model on one machine: backend, threads, batch size. They affect only the speed of predictions.

    backend  the backend; None for the backend of the model folder
    threads  None for all processors that this process may use; ignored by backends in numpy and scipy
    tokens   neural backends: the maximum number of tokens per batch, including padding
    family   the family of the model it was measured for, which is the only one it may run; None if not measured
    """

    backend: str | None = None
    threads: int | None = None
    tokens: int = TOKEN_BUDGET
    family: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("threads", self.threads), ("tokens", self.tokens)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise DataError(
                    f"The {name} of an engine must be a whole number of at least 1. Got {value!r}. Correct it."
                )

    @classmethod
    def read(cls, file: str | Path) -> EngineSettings:
        """Read a file of `insula model bench`. Raises `DataError` if it is another file."""
        try:
            content = json.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"The engine file {str(file)!r} cannot be read: {error}. Write one with: insula model bench"
            ) from error
        row = content.get("engine") if isinstance(content, Mapping) else None
        if not isinstance(row, Mapping) or set(row) != {field.name for field in dataclasses.fields(cls)}:
            raise DataError(f"The file {str(file)!r} is not an engine file. Write one with: insula model bench")
        return cls(**row)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dataclasses.asdict(self)


DEFAULT = EngineSettings()
