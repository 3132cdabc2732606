"""`measure_drift`: whether texts differ from those that a model was evaluated on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.core.errors import DataError
from insula.core.model_input import ModelInput, TextOrInput, as_inputs, get_text
from insula.core.sentences import pluralise
from insula.core.starter import STARTER
from insula.inference.features.embedding import embed, embed_sample
from insula.inference.predictor import Predictor

if TYPE_CHECKING:
    from insula.data.formats.formats import ReadOptions
    from insula.evaluation.drift.drift import Drift
    from insula.evaluation.drift.reference import DriftReference

Texts = str | Path | Sequence[str | ModelInput | Mapping[str, Any]]


def measure_drift(
    reference: Texts | None,
    data: Texts,
    model: str | Path | Predictor = STARTER,
    *,
    alpha: float = 0.01,
    min_size: float = 0.1,
    text: str | None = None,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
) -> Drift:
    """Compare texts with reference texts, and estimate how good the model still is on them.

    reference  texts like those of the validation or test rows: a file, or texts and inputs; labels are not needed; None
               for what the model folder has of its validation rows
    data       current texts
    alpha      the probability of any false alarm, if both are of the same kind
    min_size   the size, in [0, 1], from which a significant difference counts
    text, input_format, separator, header   how files are read, as in `predict_file`

    The embedding is compared for models whose backend gives dense features: `static` and exported networks. Raises
    `DataError` for fewer than 50 texts on either side and for a model without a reference, `NewerFormatError` for a
    reference that a newer insula wrote, `MissingFileError`.
    """
    from insula.data.formats.formats import ReadOptions
    from insula.evaluation.drift.drift import measure_drift as measure

    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    reading = ReadOptions(input_format, separator, header)
    notes: list[str] = []

    def read(side: Texts) -> Sequence[TextOrInput]:
        return _read_inputs(side, predictor, text, reading, notes) if isinstance(side, str | Path) else as_inputs(side)

    if reference is None:
        stored, inputs = require_reference(predictor), read(data)
        texts, decisions = [get_text(one) for one in inputs], predictor.decide(inputs)
        embedded = embed(predictor, inputs) if stored.has_embedding else None
        found = stored.measure_drift(predictor.scheme, texts, decisions, embedded, alpha=alpha, min_size=min_size)
        return dataclasses.replace(found, notes=tuple(notes))
    sides, features = [], []
    for side in (reference, data):
        inputs = read(side)
        sides.append(([get_text(one) for one in inputs], predictor.decide(inputs)))
        features.append(embed_sample(predictor, inputs))
    before, after = features
    pair = None if before is None or after is None else (before, after)
    found = measure(predictor.scheme, sides[0], sides[1], features=pair, alpha=alpha, min_size=min_size)
    return dataclasses.replace(found, notes=tuple(notes))


def require_reference(predictor: Predictor) -> DriftReference:
    """Return the reference in the folder of a model; raise `DataError` if it has none, `NewerFormatError`."""
    from insula.evaluation.drift.reference import NO_REFERENCE, DriftReference

    reference = None if predictor.folder is None else DriftReference.read(predictor.folder)
    if reference is None:
        raise DataError(f"{NO_REFERENCE} Train it again, or pass reference texts.")
    return reference


def _read_inputs(
    source: str | Path, predictor: Predictor, text: str | None, reading: ReadOptions, notes: list[str]
) -> list[TextOrInput]:
    """Return the inputs of a file; add to `notes` what could not be read."""
    from insula.data.conversations.file_columns import ContextTally
    from insula.data.formats.formats import open_rows
    from insula.data.options import DataOptions
    from insula.inference.rejects import Rejects
    from insula.inference.row_batches import find_columns, read_input_batches

    rejects, tally = Rejects(None, is_required=False), ContextTally()
    with open_rows(source, on_reject=rejects.add, **reading._asdict()) as reader:
        columns = find_columns(predictor, reader, source, DataOptions.checked(text=text))
        found = [one for batch in read_input_batches(reader, columns, rejects, tally) for one in batch.inputs]
        notes += [*reader.warnings, *tally.list_warnings(columns, predictor.context)]
    if rejects.first is not None:
        notes.append(f"{pluralise(rejects.count, 'row')} of {str(source)!r} not read; the first is {rejects.first}")
    return found
