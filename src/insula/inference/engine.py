"""`Engine`: how a model is run on one machine; what `insula model bench` finds and `Predictor` can be given."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.errors import DataError
from insula.inference.batching import TOKEN_BUDGET

ENGINE_VERSION = 1


@dataclass(frozen=True)
class Engine:
    """Settings that change how fast a model answers, not what.

    backend  which computes; None for the one that the model folder states
    threads  None for the processors that this process may use; backends in numpy and scipy have no use for it
    tokens   budget of a batch, padding included; of neural backends
    family   of the model that it was measured for, which alone can be run so; None where it was not measured
    """

    backend: str | None = None
    threads: int | None = None
    tokens: int = TOKEN_BUDGET
    family: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("threads", self.threads), ("tokens", self.tokens)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise DataError(f"The {name} of an engine must be a whole number of at least 1. Got {value!r}.")

    @classmethod
    def read(cls, file: str | Path) -> Engine:
        """Read what `insula model bench` wrote; `DataError` where it is something else."""
        try:
            content = json.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"The engine file {str(file)!r} cannot be read: {error}. Write one with: insula model bench"
            ) from error
        row = content.get("engine") if isinstance(content, Mapping) else None
        if not isinstance(row, Mapping) or set(row) != {field.name for field in dataclasses.fields(cls)}:
            raise DataError(f"The file {str(file)!r} holds no engine. Write one with: insula model bench")
        return cls(**row)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dataclasses.asdict(self)


DEFAULT = Engine()
