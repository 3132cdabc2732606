"""`evaluate`: measure a model on labelled rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from insula.core.model_input import ModelInput
from insula.core.outputs import make_results_folder
from insula.core.progress import Progress, Silent
from insula.core.sentences import counted
from insula.core.targets import gold_matrix
from insula.data.load import read_examples
from insula.data.options import DataOptions
from insula.data.sources.sources import SourceName, names_in
from insula.evaluation.baselines import BaselineRows, majority
from insula.evaluation.document import METRICS, Baseline, DataRecord, MetricsDocument, SchemeRecord, stamp
from insula.evaluation.evaluate_examples import evaluate_examples
from insula.evaluation.reports.report import write_report
from insula.inference.predictor import Predictor
from insula.models.folder import MODEL, open_folder
from insula.models.locate import locate_model
from insula.models.provenance import evaluation_options, seen_in_training
from insula.training.run_folder import RUN


@dataclass(frozen=True)
class EvaluationRun:
    """The result of an evaluation.

    document   the figures, typed; `metrics` is the same in plain JSON types. The format is that of a run, without the
               fields of training
    notes      sentences on what was read and dropped, and warnings
    path       the folder with `metrics.json` and `report.html`; None if nothing was written
    """

    document: MetricsDocument
    notes: tuple[str, ...]
    path: Path | None

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """The content of `metrics.json`."""
        return self.document.to_dict()


def evaluate(
    source: SourceName,
    model: str | Path,
    *,
    options: DataOptions | None = None,
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    label_names: str | None = None,
    context: str | Sequence[str] | None = None,
    dialogue: str | None = None,
    turn: str | None = None,
    speaker: str | None = None,
    target: str | None = None,
    format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    output: str | Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> EvaluationRun:
    """Measure a model on labelled rows; scores are given with and without rows whose text is in the training data.

    source    one or more files, a folder (its test split) or a built-in data set
    model     a run, a model folder, or the name of a run
    options   how the rows are read; default as in training. `text`, `label`, `label_names`, the columns of a
              conversation and the format (see `DataOptions`) override it
    output    folder for `metrics.json` and `report.html`; None writes nothing

    The majority class (dimensions: the training mean) and the run's linear baseline, if it has one, are scored on the
    same rows. Raises `DataError`, `MissingFileError`, `UnknownNameError`, `ModelFolderError`, `OutputError`.
    """
    progress = progress or Silent()
    place = locate_model(model)
    if output is not None:
        make_results_folder(output, RUN, MODEL, inputs=names_in(source))
    folder = open_folder(place)
    predictor = Predictor.load(place)
    recorded = MetricsDocument.from_dict(folder.metrics)
    columns: dict[str, Any] = {
        "text": text, "label": label, "label_names": label_names, "context": context, "dialogue": dialogue,
        "turn": turn, "speaker": speaker, "target": target, "format": format, "separator": separator, "header": header,
    }  # fmt: skip
    options, absent = (
        evaluation_options(place, source, **columns) if options is None else (options.with_columns(**columns), ())
    )
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
        seen=seen_in_training(place, examples),
        resamples=resamples,
        seed=seed,
    )
    rows = BaselineRows(folder.scheme, gold, decisions, resamples, seed)
    document = MetricsDocument(
        **stamp(command),
        name=recorded.name or place.name,
        model=recorded.model,
        scheme=SchemeRecord.of(folder.scheme),
        data=DataRecord(name=", ".join(map(str, names_in(source))), rows={"test": len(examples)}, notes=list(notes)),
        decision=recorded.decision,
        test=measured,
        baselines=_baselines(place, recorded.data, rows, inputs),
    )
    if output is not None:
        document.write(Path(output) / METRICS)
        write_report(Path(output) / "report.html", document)
    return EvaluationRun(document, notes=tuple(notes), path=None if output is None else Path(output))


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
