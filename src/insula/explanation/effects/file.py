"""`measure_file_effects`: the effects of features over the rows of a file; labels are not needed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.model_input import TextOrInput
from insula.core.progress import Progress
from insula.data.conversations.file_columns import ContextTally
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows
from insula.data.options import DataOptions
from insula.explanation.effects.effect import RESAMPLES, FeatureEffect, measure_effects
from insula.inference.predictor import Predictor
from insula.inference.rejects import Rejects
from insula.inference.row_batches import find_columns, read_input_batches

_ROWS_PER_BATCH = 256


@dataclass(frozen=True)
class Effects:
    """The effects of features on the scores of a model, over a data set.

    features  one entry a feature, in the order asked for
    rows      number of rows read
    rejected  number of rows that could not be read or had no text; `first_reject` gives line and reason of the first
    warnings  sentences on context that was not read and on what was repaired while reading
    seconds   wall-clock time
    """

    features: tuple[FeatureEffect, ...]
    rows: int
    rejected: int = 0
    first_reject: str | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **self.__dict__,
            "features": [one.to_dict(digits) for one in self.features],
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 3),
        }


def measure_input_effects(
    predictor: Predictor, inputs: Sequence[TextOrInput], names: Sequence[str], *, seed: int = 0
) -> Effects:
    """Return the effects of features over texts or inputs. Raises as `measure_effects`."""
    start = time.monotonic()
    groups = (inputs[first : first + _ROWS_PER_BATCH] for first in range(0, len(inputs), _ROWS_PER_BATCH))
    found = measure_effects(predictor, groups, names, seed=seed)
    return Effects(tuple(found), len(inputs), seconds=time.monotonic() - start)


def measure_file_effects(
    predictor: Predictor,
    source: str | Path,
    names: Sequence[str],
    *,
    text: str | None = None,
    reading: ReadOptions = DETECTED,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Progress | None = None,
) -> Effects:
    """Return the effects of features over the rows of a file. Raises as `measure_effects`, and `MissingFileError`."""
    start, rejects, tally = time.monotonic(), Rejects(None, is_required=False), ContextTally()
    with open_rows(source, batch_size=_ROWS_PER_BATCH, on_reject=rejects.add, **reading._asdict()) as reader:
        columns = find_columns(predictor, reader, source, DataOptions.checked(text=text))

        def read() -> Iterator[Sequence[TextOrInput]]:
            for batch in read_input_batches(reader, columns, rejects, tally):
                yield batch.inputs

        found = measure_effects(
            predictor, read(), names, seed=seed, resamples=resamples, progress=progress
        )  # fmt: skip
        return Effects(
            features=tuple(found),
            rows=found[0].rows,
            rejected=rejects.count,
            first_reject=None if rejects.first is None else str(rejects.first),
            warnings=(*reader.warnings, *tally.list_warnings(columns, predictor.context)),
            seconds=time.monotonic() - start,
        )
