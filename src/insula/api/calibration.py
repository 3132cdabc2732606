"""`calibrate_model`: choose calibration, thresholds and abstention of a trained model again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from insula.compression.compression_data import MIN_VALIDATION_ROWS, unseen_validation_rows
from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.progress import Progress, Silent
from insula.core.sentences import counted
from insula.data.load import read_examples
from insula.data.sources.sources import SourceName, names_in
from insula.data.splits.leak import Fingerprint
from insula.models.folder import ModelFolder, open_folder, require_model_output
from insula.models.locate import locate_model
from insula.models.provenance import (
    evaluation_options,
    recorded_section,
    split_fingerprints,
    training_dataset,
    without_training_rows,
)
from insula.training.options.sections import DecisionOptions
from insula.training.recipe.recipe import load_recipe
from insula.training.recipe.unused_options import idle_options

if TYPE_CHECKING:
    from insula.training.recalibrate import Recalibrated

MOST_CHOSEN_ON = 0.1
"""Share of rows that a rule was chosen on, above which what it says of all is no measure of it."""


def calibrate_model(
    model: str | Path,
    output: str | Path,
    *,
    rows: SourceName | None = None,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    label_names: str | None = None,
    calibration: str | None = None,
    thresholds: str | None = None,
    class_offsets: bool | None = None,
    coverage: float | None = None,
    overwrite: bool = False,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> Recalibrated:
    """Write a model with a re-chosen decision rule, and return it with what that rule is worth.

    model    a run, a model folder, or the name of a run
    output   the new model folder; its weights are those of `model`
    rows     labelled rows such as it will meet, read as `evaluate` reads them; those that it learnt from are left out.
             Default: its own validation rows
    calibration, thresholds, class_offsets, coverage   options of a recipe's `decision` section; each as it was for
             training where it is None
    overwrite   replace a model folder at `output`

    The new rule and, on its own rows, the one before are measured on rows that they were not chosen on. Raises
    `DataError` where fewer than 50 rows are left, `RecipeError`, `ModelFolderError`, `OutputError`.
    """
    from insula.training.recalibrate import recalibrate

    progress = progress or Silent()
    source, folder = open_folder(locate_model(model)), Path(output)
    require_model_output(folder, source, overwrite=overwrite, data=names_in(rows))
    as_before = recorded_section(source.path, "decision", DecisionOptions, tells="how its thresholds were chosen")
    wanted = {
        "calibration": calibration, "thresholds": thresholds, "class_offsets": class_offsets, "coverage": coverage,
    }  # fmt: skip
    given = {name: value for name, value in wanted.items() if value is not None}
    options = load_recipe({"decision": {**as_before.model_dump(mode="json"), **given}}).decision
    for note in idle_options(load_recipe({"decision": given}), source.scheme.kind):
        progress.say(note)
    if rows is None:
        examples = unseen_validation_rows(training_dataset(source), [source])
    else:
        reading, absent = evaluation_options(source.path, rows, text=text, label=label, label_names=label_names)
        examples, notes = read_examples(rows, reading, source.scheme)
        for note in (*absent, *notes):
            progress.say(note)
        examples = _unknown(source, examples, progress)
    before = split_fingerprints(source.path).get("validation", Fingerprint())
    chosen_on = before.seen(examples)
    no_measure = rows is None or bool(chosen_on.mean() > MOST_CHOSEN_ON)
    progress.say(f"Choosing again on {counted(len(examples), 'row')}.")
    if rows is not None and no_measure:
        progress.say(
            f"The rule before was chosen on {int(chosen_on.sum()):,} of them: what it says of these is no measure, and "
            "choosing as before is measured in its place."
        )
    return recalibrate(
        source,
        examples,
        folder,
        options,
        as_before=as_before if no_measure else None,
        seed=seed,
        command=command,
    )


def _unknown(source: ModelFolder, examples: list[Example], progress: Progress) -> list[Example]:
    left = without_training_rows(source.path, examples)
    if count := len(examples) - len(left):
        progress.say(
            f"{counted(count, 'row')} that the model learnt from left out: of these it is surer than of others."
        )
    if len(left) < MIN_VALIDATION_ROWS:
        raise DataError(
            f"The rows must include at least {MIN_VALIDATION_ROWS} that are not training rows, to choose and measure "
            f"thresholds. Got {len(left)}. Name more rows."
        )
    return left
