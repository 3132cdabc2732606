"""`evaluate`: a model on labelled rows it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import OutputError
from insula.core.files import output_errors
from insula.core.model_input import ModelInput
from insula.core.progress import Progress, Silent
from insula.core.sentences import counted
from insula.core.targets import gold_matrix
from insula.data.labels.names import LABEL_NAMES
from insula.data.load import has_column, read_examples
from insula.data.options import DataOptions
from insula.data.splits.compared import Compared
from insula.evaluation.baselines import BaselineRows, majority
from insula.evaluation.document import METRICS, Baseline, DataRecord, MetricsDocument, SchemeRecord, stamp
from insula.evaluation.judged_examples import evaluate_examples
from insula.evaluation.reports.report import write_report
from insula.inference.predictor import Predictor
from insula.models.fingerprints import fingerprint_parts
from insula.models.folder import MANIFEST, open_folder
from insula.models.locate import locate_model
from insula.training.recipe.recorded import recorded_section

ATTRIBUTES = ("weight", "language", "id")
CONVERSATION = ("context", "dialogue", "turn", "speaker", "target")


@dataclass(frozen=True)
class EvaluationRun:
    """What was measured.

    document   the figures, typed; `metrics` gives the same as plain JSON types. Both are those of a run, without its
               training parts
    notes      sentences on what was read, dropped, warned about
    path       the folder with `metrics.json` and `report.html`, None where none was asked for
    """

    document: MetricsDocument
    notes: tuple[str, ...]
    path: Path | None

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """The content of `metrics.json`."""
        return self.document.to_dict()


def evaluate(
    source: str | Path | Sequence[str | Path],
    model: str | Path,
    *,
    options: DataOptions | None = None,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    label_names: str | None = None,
    context: str | Sequence[str] | None = None,
    dialogue: str | None = None,
    turn: str | None = None,
    speaker: str | None = None,
    target: str | None = None,
    output: str | Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> EvaluationRun:
    """Measure a model on labelled rows; scores stand with and without rows whose text it was trained on.

    source    a file, several, a folder (its test split is taken) or a built-in set
    model     a run, a model folder, or the name of a run
    options   how the rows are read; default as they were for training; `text`, `label`, `label_names` and the columns
              of a conversation (as in `DataOptions`) change that
    output    a folder for `metrics.json` and `report.html`; nothing is written where it is None

    The majority class (dimensions: the training mean), and `linear` where the run kept one, answer the same rows.
    Raises `DataError`, `MissingFileError`, `UnknownNameError`, `ModelFolderError`, `OutputError`.
    """
    progress = progress or Silent()
    place = locate_model(model)
    if output is not None:
        require_own_folder(Path(output))
    folder = open_folder(place)
    predictor = Predictor.load(place)
    recorded = MetricsDocument.from_dict(folder.metrics)
    columns: dict[str, Any] = {
        "text": text, "label": label, "label_names": label_names, "context": context, "dialogue": dialogue,
        "turn": turn, "speaker": speaker, "target": target,
    }  # fmt: skip
    options, absent = (
        judged_options(place, source, **columns) if options is None else (options.with_columns(**columns), ())
    )
    names = [source] if isinstance(source, str | Path) else source
    examples, notes = read_examples(source, options, folder.scheme)
    notes = (*absent, *notes)
    for note in notes:
        progress.say(note)
    progress.say(f"Evaluating on {counted(len(examples), 'row')}.")
    inputs = [example.input for example in examples]
    gold = gold_matrix(folder.scheme, examples)
    decisions = predictor.decide(inputs)
    measured = evaluate_examples(
        folder.scheme,
        examples,
        gold,
        decisions,
        folder.decision,
        seen=trained_on(place, examples),
        resamples=resamples,
        seed=seed,
    )
    rows = BaselineRows(folder.scheme, gold, decisions, resamples, seed)
    document = MetricsDocument(
        **stamp(command),
        name=recorded.name or place.name,
        model=recorded.model,
        scheme=SchemeRecord.of(folder.scheme),
        data=DataRecord(name=", ".join(map(str, names)), rows={"test": len(examples)}, notes=list(notes)),
        decision=recorded.decision,
        test=measured,
        baselines=_baselines(place, recorded.data, rows, inputs),
    )
    if output is not None:
        document.write(Path(output) / METRICS)
        write_report(Path(output) / "report.html", document)
    return EvaluationRun(document, notes=tuple(notes), path=None if output is None else Path(output))


def require_own_folder(output: Path) -> None:
    """Make the folder for results; `OutputError` where it is a run or a model."""
    if (output / "run.json").exists() or (output / MANIFEST).exists():
        raise OutputError(
            f"The output {str(output)!r} is a run or a model, whose own results would be lost. Name a folder for this "
            f"evaluation, such as {str(output / 'evaluation')!r}."
        )
    with output_errors(output):
        output.mkdir(parents=True, exist_ok=True)


def trained_on(model: Path, rows: Sequence[Compared]) -> NDArray[np.bool_]:
    """Return (rows,) which texts or examples a model was made with: training rows, and those its choices were made on.

    Each part of its training is searched by itself: its base may know as lone texts what it read in dialogues.
    """
    parts = [part.seen(rows) for part in fingerprint_parts(model).values()]
    return np.any(parts, axis=0) if parts else np.zeros(len(rows), dtype=bool)


def recorded_options(model: Path) -> DataOptions:
    """Return how the rows that a model was trained on were read."""
    options = recorded_section(model, "data", DataOptions, tells="how its data was read")
    kept = model / LABEL_NAMES
    return options.model_copy(update={"label_names": str(kept)}) if kept.exists() else options


def judged_options(
    model: Path, source: str | Path | Sequence[str | Path], **given: Any
) -> tuple[DataOptions, tuple[str, ...]]:
    """Return how evaluation rows are read: as those of training, with the columns that are `given` (`with_columns`).

    Groups only keep training rows together. Weight, language, id and context are read where the source has their
    columns; the sentences say which columns of the context it does not have.
    """
    options = recorded_options(model).with_columns(**given)
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


def _baselines(model: Path, recorded: DataRecord, rows: BaselineRows, inputs: list[ModelInput]) -> dict[str, Baseline]:
    baselines, names = {}, rows.scheme.names
    counts, means = recorded.label_counts.get("train"), recorded.value_means
    if means:
        baselines["majority"] = rows.against(majority(rows.scheme, [means[name] for name in names], len(inputs)))
    elif counts:
        trained = max(recorded.rows["train"], 1)
        rates = [counts[name] / trained for name in names]
        baselines["majority"] = rows.against(majority(rows.scheme, rates, len(inputs)))
    linear = model.parent / "baselines" / "linear"
    if linear.is_dir():
        baselines["linear"] = rows.against(Predictor.load(linear).decide(inputs))
    return baselines
