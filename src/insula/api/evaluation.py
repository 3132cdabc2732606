"""`evaluate`: measure a model on labelled rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from insula.core.decision import Decisions
from insula.core.errors import DataError
from insula.core.model_input import ModelInput
from insula.core.outputs import make_results_folder
from insula.core.progress import Progress, choose_progress
from insula.core.scheme import LabelScheme
from insula.core.sentences import pluralise
from insula.core.targets import build_gold_matrix
from insula.data.load import read_examples
from insula.data.options import DataOptions
from insula.data.sources.sources import SourceName, list_source_names
from insula.evaluation.baselines import BaselineRows, predict_majority
from insula.evaluation.document import METRICS, Baseline, DataRecord, MetricsDocument, SchemeRecord, stamp_document
from insula.evaluation.evaluate_examples import evaluate_examples
from insula.evaluation.label_map import LabelMap, MappedLabels
from insula.evaluation.reports.brief import build_metrics_table, format_headline
from insula.evaluation.reports.report import write_report
from insula.explanation.mistakes import explain_mistakes
from insula.inference.predictor import Predictor
from insula.models.folder import MODEL, open_folder
from insula.models.locate import locate_model
from insula.models.provenance import choose_evaluation_options, find_seen_rows
from insula.training.run_folder import RUN


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        return f"EvaluationRun({self.document.data.name!r}, {format_headline(self.document)})"

    def _repr_html_(self) -> str:
        """Show the figures in a notebook."""
        report = "" if self.path is None else f"Report: {self.path / 'report.html'}"
        return build_metrics_table(self.document, self.document.data.name or "evaluation", report)

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
    level: str | None = None,
    label_map: Mapping[str, str | Sequence[str]] | str | Path | None = None,
    output: str | Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> EvaluationRun:
    """Evaluate a model on labelled rows; scores are given with and without rows whose text is in the training data.

    source    one or more files, a folder (its test split) or a built-in data set
    model     a run, a model folder, or the name of a run
    options   how the rows are read; default as in training. `text`, `label`, `label_names`, the columns of a
              conversation and the format (see `DataOptions`) override it
    level     coarser level of the model's labels, such as `sentiment`, that the rows are labelled with
    label_map   for rows with other labels: label of the rows to the labels of the model that count as it; a dictionary,
              or a TOML file with lines such as `positive = ["joy", "love"]`. Metrics are over the labels that the rows
              have
    output    folder for `metrics.json` and `report.html`; None writes nothing. The ten most confident mistakes then
              also have the words behind them, by the methods `exact` and `contexts`
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    The majority class (dimensions: the training mean) and the run's linear baseline, if it has one, are scored on the
    same rows. Raises `DataError`, `MissingFileError`, `UnknownNameError`, `ModelFolderError`, `OutputError`.
    """
    progress = choose_progress(progress)
    place = locate_model(model)
    if output is not None:
        make_results_folder(output, RUN, MODEL, inputs=list_source_names(source))
    folder = open_folder(place)
    predictor = Predictor.load(place)
    recorded = MetricsDocument.from_dict(folder.metrics)
    columns: dict[str, Any] = {
        "text": text, "label": label, "label_names": label_names, "context": context, "dialogue": dialogue,
        "turn": turn, "speaker": speaker, "target": target, "format": format, "separator": separator, "header": header,
    }  # fmt: skip
    options, absent = (
        choose_evaluation_options(place, source, **columns)
        if options is None
        else (options.with_columns(**columns), ())
    )
    wanted = _resolve_label_map(folder.scheme, level, label_map)
    if wanted is not None and label_names is None:
        options = options.model_copy(update={"label_names": None, "delimiter": None})  # those of the model's own labels
    examples, notes = read_examples(source, options, folder.scheme if wanted is None else wanted.scheme)
    notes = (*absent, *notes)
    for note in notes:
        progress.say(note)
    progress.say(f"Evaluating on {pluralise(len(examples), 'row')}.")
    inputs = [example.input for example in examples]
    logits, longer = predictor.read(inputs)
    decisions = predictor.decide_logits(inputs, logits)
    for note in predictor.truncation_warnings(int(longer.sum()), len(inputs)):
        progress.say(note)
        notes = (*notes, note)
    mapped = None if wanted is None else wanted.map_rows(examples)
    scheme = folder.scheme
    if mapped is not None:
        scheme, of_model, decisions = mapped.scheme, decisions, mapped.map_decisions(decisions)
        for note in mapped.list_notes(of_model):
            progress.say(note)
            notes = (*notes, note)
    gold = build_gold_matrix(scheme, examples)
    measured = evaluate_examples(
        scheme,
        examples,
        gold,
        decisions,
        folder.decision,
        seen=find_seen_rows(place, examples),
        resamples=resamples,
        seed=seed,
    )
    rows = BaselineRows(scheme, gold, decisions, resamples, seed)
    document = MetricsDocument(
        **stamp_document(command),
        name=recorded.name or place.name,
        model=recorded.model,
        scheme=SchemeRecord.of(scheme),
        data=DataRecord(
            name=", ".join(map(str, list_source_names(source))),
            rows={"test": len(examples)},
            notes=list(notes),
            label_map=None if wanted is None else {label: list(labels) for label, labels in wanted.table.items()},
        ),
        decision=recorded.decision,
        test=measured,
        baselines=_measure_baselines(place, folder.scheme, recorded.data, rows, inputs, mapped),
    )
    if output is not None:
        document = document.model_copy(update={"test": explain_mistakes(predictor, measured, inputs)})
        document.write(Path(output) / METRICS)
        write_report(Path(output) / "report.html", document)
    return EvaluationRun(document, notes=tuple(notes), path=None if output is None else Path(output))


def _resolve_label_map(
    scheme: LabelScheme, level: str | None, label_map: Mapping[str, str | Sequence[str]] | str | Path | None
) -> LabelMap | None:
    if level is not None and label_map is not None:
        raise DataError("An evaluation takes a level or a label_map. Got both. Leave one of them out.")
    if level is not None:
        return LabelMap.of_level(scheme, level)
    if label_map is None:
        return None
    return LabelMap.of(label_map, scheme) if isinstance(label_map, Mapping) else LabelMap.from_file(label_map, scheme)


def _measure_baselines(
    model: Path,
    scheme: LabelScheme,
    recorded: DataRecord,
    rows: BaselineRows,
    inputs: list[ModelInput],
    mapped: MappedLabels | None,
) -> dict[str, Baseline]:
    baselines, names = {}, scheme.names

    def against(decisions: Decisions) -> Baseline:
        return rows.compare_with(decisions if mapped is None else mapped.map_decisions(decisions))

    counts, means = recorded.label_counts.get("train"), recorded.value_means
    if means:
        baselines["majority"] = against(predict_majority(scheme, [means[name] for name in names], len(inputs)))
    elif counts:
        trained = max(recorded.rows["train"], 1)
        rates = [counts[name] / trained for name in names]
        baselines["majority"] = against(predict_majority(scheme, rates, len(inputs)))
    linear = model.parent / "baselines" / "linear"
    if linear.is_dir():
        baselines["linear"] = against(Predictor.load(linear).decide(inputs))
    return baselines
