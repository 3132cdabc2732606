"""`calibrate_model`: choose calibration, thresholds and abstention of a trained model again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from insula.compression.compression_data import MIN_VALIDATION_ROWS, select_unseen_validation_rows
from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.progress import Progress, choose_progress
from insula.core.sentences import pluralise
from insula.data.load import read_examples
from insula.data.sources.sources import SourceName, list_source_names
from insula.data.splits.leak import Fingerprint
from insula.models.folder import ModelFolder, open_folder, require_model_output
from insula.models.locate import locate_model
from insula.models.provenance import (
    choose_evaluation_options,
    drop_training_rows,
    load_training_dataset,
    read_recorded_section,
    split_fingerprints,
)
from insula.training.options.sections import DecisionOptions
from insula.training.recipe.recipe import load_recipe
from insula.training.recipe.unused_options import find_unused_options

if TYPE_CHECKING:
    from insula.models.tokens.windows import Windows
    from insula.training.recalibrate import RecalibrationResult

MAX_TRAINING_SHARE = 0.1
"""Above this share of rows that the old rule was chosen on, its score on them is biased and not reported."""


def calibrate_model(
    model: str | Path,
    output: str | Path,
    *,
    data: SourceName | None = None,
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    label_names: str | None = None,
    format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    calibration: str | None = None,
    thresholds: str | None = None,
    class_offsets: bool | None = None,
    coverage: float | None = None,
    windows: Windows | None = None,
    overwrite: bool = False,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
    rows: SourceName | None = None,
) -> RecalibrationResult:
    """Choose the decision rule of a model again; write the new model folder and return it with the gain.

    model    a run, a model folder, or the name of a run
    output   the new model folder; its weights are those of `model`
    data     labelled rows like those the model will see, read as `evaluate` reads them; training rows are left out.
             Default: the validation rows of the run
    calibration, thresholds, class_offsets, coverage   options of the `decision` section of a recipe; None keeps the
             value used in training
    windows     how the new model reads texts of more tokens than it reads at once: none (only their start), or mean or
             max of the logits of overlapping windows; None keeps it
    overwrite   replace a model folder at `output`
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere
    rows     the former name of `data`, accepted until version 0.3

    The new rule and the old one are measured on rows that they were not chosen on. Raises `DataError` if fewer than 50
    rows are left, `RecipeError`, `ModelFolderError`, `OutputError`.
    """
    from insula.training.recalibrate import recalibrate

    progress = choose_progress(progress)
    if rows is not None:
        warnings.warn(
            "calibrate_model(rows=) has been renamed: use data=. The old name works until version 0.3.",
            DeprecationWarning,
            2,
        )
        data = rows if data is None else data
    source, folder = open_folder(locate_model(model)), Path(output)
    require_model_output(folder, source, overwrite=overwrite, data=list_source_names(data))
    as_before = read_recorded_section(source.path, "decision", DecisionOptions, tells="how its thresholds were chosen")
    wanted = {
        "calibration": calibration, "thresholds": thresholds, "class_offsets": class_offsets, "coverage": coverage,
    }  # fmt: skip
    given = {name: value for name, value in wanted.items() if value is not None}
    options = load_recipe({"decision": {**as_before.model_dump(mode="json"), **given}}).decision
    for note in find_unused_options(load_recipe({"decision": given}), source.scheme.kind):
        progress.say(note)
    if data is None:
        examples = select_unseen_validation_rows(load_training_dataset(source), [source])
    else:
        reading, absent = choose_evaluation_options(
            source.path, data, text=text, label=label, label_names=label_names, format=format, separator=separator,
            header=header,
        )  # fmt: skip
        examples, notes = read_examples(data, reading, source.scheme)
        for note in (*absent, *notes):
            progress.say(note)
        examples = _drop_training_rows(source, examples, progress)
    before = split_fingerprints(source.path).get("validation", Fingerprint())
    chosen_on = before.find_seen(examples)
    biased = data is None or bool(chosen_on.mean() > MAX_TRAINING_SHARE)
    progress.say(f"Choosing the decision rule on {pluralise(len(examples), 'row')}.")
    if data is not None and biased:
        progress.say(
            f"The old rule was chosen on {int(chosen_on.sum()):,} of them, so its score on them would be biased. The "
            "same choice is repeated by cross-fitting and measured instead."
        )
    return recalibrate(
        source,
        examples,
        folder,
        options,
        as_before=as_before if biased else None,
        windows=windows,
        seed=seed,
        command=command,
    )


def _drop_training_rows(source: ModelFolder, examples: list[Example], progress: Progress) -> list[Example]:
    left = drop_training_rows(source.path, examples)
    if count := len(examples) - len(left):
        progress.say(f"{pluralise(count, 'training row')} left out: the model is too confident on them.")
    if len(left) < MIN_VALIDATION_ROWS:
        raise DataError(
            f"At least {MIN_VALIDATION_ROWS} rows outside the training data are needed to choose and measure the "
            f"rule. Got {len(left)}. Pass more rows with --data."
        )
    return left
