"""A training run: from a data set and a recipe to `runs/NAME/` with model, metrics and report."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, RecipeError
from insula.core.files import atomic_folder, write_json, write_text
from insula.core.model_input import get_text
from insula.core.progress import Progress, Silent
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.data.labels.names import LABEL_NAMES, read_label_names
from insula.data.splits.leak import Fingerprint, require_no_leak
from insula.evaluation.document import (
    METRICS,
    DataRecord,
    DecisionRecord,
    MetricsDocument,
    ModelRecord,
    SchemeRecord,
    TimeRecord,
    stamp_document,
)
from insula.evaluation.drift.reference import replace_reference
from insula.evaluation.reports.brief import build_metrics_table, format_headline
from insula.evaluation.reports.cards import build_model_card
from insula.evaluation.reports.report import write_report
from insula.inference.features.embedding import embed_sample
from insula.models.folder import ModelFolder, get_folder_digest, seal
from insula.models.locate import locate_model
from insula.models.provenance import write_fingerprints
from insula.text.language import detect_language, find_dominant_language
from insula.training.augment import add_augmented_rows
from insula.training.families.registry import families
from insula.training.fit_model import TrainedModel, fit_as_worker, fit_model
from insula.training.fitting import Fitted, RunContext
from insula.training.measure import RunMeasurer
from insula.training.plan import plan_training
from insula.training.recipe.choose_by_rows import choose_by_rows
from insula.training.recipe.recipe import Recipe
from insula.training.recipe.unused_options import find_unused_options
from insula.training.run_folder import AUGMENTED, CLEARED
from insula.training.tracking.tracking import Tracking
from insula.training.transfer.auxiliary import add_auxiliary_sets
from insula.training.transfer.distil import UNLABELLED, add_unlabelled_split
from insula.training.transfer.teachers import collect_teacher_fingerprints
from insula.training.transfer.trained_base import check_base, get_base_fingerprint
from insula.training.windows import list_length_notes

RUN_VERSION = 1
"""The version of the format of `run.json`."""
LANGUAGE_SAMPLE = 2000


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run.

    path      its folder
    document  its figures, typed; `metrics` has the same as plain JSON types
    """

    path: Path
    document: MetricsDocument

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {format_headline(self.document)})"

    def _repr_html_(self) -> str:
        """Show the figures in a notebook."""
        return build_metrics_table(self.document, str(self.path), f"Report: {self.report}")

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """The content of `metrics.json`, such as `metrics["test"]["headline"]`; empty in further processes."""
        return self.document.to_dict()

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.path / "model"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.path / "report.html"


def train_run(
    dataset: Dataset,
    recipe: Recipe,
    folder: Path,
    *,
    source: Sequence[str] = (),
    command: str = "",
    resume: bool = False,
    track: Sequence[str] = (),
    afterwards: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train on `dataset` with `recipe` and write the run into `folder`; it is complete when `folder/model` exists.

    source, command  recorded in the run
    resume           continue an interrupted run from its last checkpoint
    track            experiment trackers that log the run: `wandb`, `mlflow`
    afterwards       the step that the caller takes with the finished run; recorded

    Raises `LeakError` if a training text is also in validation or test, `DataError` if the data of a resumed run have
    changed, `RecipeError` if one of its models has.
    """
    progress = progress or Silent()
    started = time.monotonic()
    recipe, choice = choose_by_rows(recipe, len(dataset.split("train")))
    if choice is not None:
        progress.say(f"{choice} To choose the model yourself, set model.name or model.base.")
    for note in find_unused_options(recipe, dataset.scheme.kind):
        progress.say(note)
    base = families[recipe.model.name].check(recipe.model)
    trained_base = None if base is None else base.trained
    check_base(trained_base, dataset)
    dataset = add_auxiliary_sets(add_unlabelled_split(dataset, recipe, progress), recipe, progress)
    dataset = add_augmented_rows(dataset, recipe, progress, folder / AUGMENTED)
    fingerprint = Fingerprint.of(dataset.training_rows)
    for split in () if dataset.keeps_leaks else ("validation", "test"):
        require_no_leak(fingerprint, dataset.splits.get(split, ()), name=split)
    settings = recipe.model_dump(mode="json", exclude_none=True)
    tracking = Tracking(track, folder, settings, resume=resume)
    state = {
        "source": list(source),
        "data": compute_data_digest(dataset),
        "models": _compute_model_checksums(recipe, trained_base),
        "track": list(track),
    }
    _start_or_verify_resume(folder, recipe, state | ({"afterwards": dict(afterwards)} if afterwards else {}), resume)
    language = find_dominant_language([example.text for example in dataset.split("train")])
    with tracking, atomic_folder(folder / "model") as stage:
        run = RunContext(
            folder, seed=recipe.seed, progress=progress, resume=resume, callbacks=tracking.create_callbacks()
        )
        trained = fit_model(dataset, plan_training(dataset, recipe, language, base), run, stage)
        model = ModelRecord(
            family=recipe.model.name,
            base=trained.fitted.base,
            parameters=trained.fitted.parameters,
            trainable_parameters=_count_trained_parameters(trained.fitted),
            bytes=sum(file.stat().st_size for file in stage.iterdir()),
            backend=trained.fitted.backend,
        )
        measured = RunMeasurer(dataset, trained, recipe, language, folder, progress).measure_all()
        notes = list_length_notes(trained.fitted.facts, trained.windows, recipe.model)
        tested = len(dataset.splits.get("test", ()))
        notes += [f"Test: {note}" for note in trained.predictor.truncation_warnings(measured.truncated, tested)]
        for note in notes:
            progress.say(note)
        seconds = {
            "train_seconds": round(trained.seconds, 1),
            "peak_memory_mb": trained.megabytes,
            "total_seconds": round(trained.fitted.seconds_before + time.monotonic() - started, 1),
        }
        speed = {} if measured.rows_per_second is None else {"rows_per_second": measured.rows_per_second}
        document = MetricsDocument(
            **stamp_document(command),
            name=folder.name,
            model=model,
            scheme=SchemeRecord.of(dataset.scheme),
            data=_build_data_record(dataset, fingerprint, notes),
            recipe=settings,
            seed=recipe.seed,
            training=dict(trained.fitted.facts),
            history=list(trained.fitted.history),
            decision=DecisionRecord.of(trained.predictor.decision, dataset.scheme, recipe.decision.coverage),
            test=measured.test,
            validation=measured.validation,
            baselines=measured.baselines,
            time=TimeRecord(**speed, **seconds),
        )
        if recipe.data.label_names is not None:
            write_json(stage / LABEL_NAMES, read_label_names(recipe.data.label_names))
        (stage / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
        known = get_base_fingerprint(trained_base) | collect_teacher_fingerprints(recipe.distil.teachers)
        write_fingerprints(stage, _compute_fingerprints(dataset) | known)
        _write_drift_reference(stage, dataset, trained)
        document.write(stage / METRICS)
        write_text(stage / "model_card.md", build_model_card(document))
        seal(stage, family=recipe.model.name, backend=trained.fitted.backend)
        document.write(folder / METRICS)
        write_report(folder / "report.html", document)
        tracking.finish(document, folder / "report.html")
    for temporary in ("checkpoints", "tokenizer", "cache"):
        shutil.rmtree(folder / temporary, ignore_errors=True)
    return Run(folder, document)


def train_as_worker(dataset: Dataset, recipe: Recipe, folder: Path, *, resume: bool = False) -> Run:
    """Train as one of the processes that do not write the run; the returned run has no metrics."""
    recipe, _ = choose_by_rows(recipe, len(dataset.split("train")))
    dataset = add_auxiliary_sets(add_unlabelled_split(dataset, recipe, Silent()), recipe, Silent())
    dataset = add_augmented_rows(dataset, recipe, Silent())
    language = find_dominant_language([example.text for example in dataset.split("train")])
    fit_as_worker(dataset, recipe, language, folder, resume=resume)
    return Run(folder, MetricsDocument())


def _start_or_verify_resume(folder: Path, recipe: Recipe, state: Mapping[str, Any], resume: bool) -> None:
    """Record the data and models of a new run; if resumed, raise an error unless they are unchanged."""
    state_file = folder / "run.json"
    if resume:
        before = json.loads(state_file.read_text(encoding="utf-8"))
        if before["data"] != state["data"]:
            raise DataError(
                f"The data of run {str(folder)!r} have changed since it started, so it cannot be resumed. "
                "Restore the data, or train again under another name."
            )
        for name, digest in before.get("models", {}).items():
            if state["models"].get(name) != digest:
                raise RecipeError(
                    f"The model {name!r} that run {str(folder)!r} uses has changed since it started, so it cannot be "
                    "resumed. Restore the model, or train again under another name."
                )
        return
    for old in CLEARED:
        if (folder / old).is_dir():
            shutil.rmtree(folder / old, ignore_errors=True)
        else:
            (folder / old).unlink(missing_ok=True)
    write_json(state_file, {"format_version": RUN_VERSION, **state})
    write_text(folder / "recipe.toml", recipe.to_toml())


def _compute_model_checksums(recipe: Recipe, base: ModelFolder | None) -> dict[str, str]:
    """Return the checksums of the trained models that a run uses: its teachers and a trained base."""
    folders = {teacher: locate_model(teacher) for teacher in recipe.distil.teachers}
    if base is not None:
        folders[str(base.path)] = base.path
    return {name: get_folder_digest(folder) for name, folder in folders.items()}


def compute_data_digest(dataset: Dataset) -> str:
    """Return a checksum of the data that training reads: the labels of the scheme and every row, in order."""
    digest = hashlib.sha256(repr((dataset.scheme.kind, dataset.scheme.names)).encode())
    for split, examples in sorted(dataset.splits.items()):
        for row in examples:
            digest.update(repr((split, row.text, row.labels, row.values, row.weight, row.votes)).encode())
            if row.subgroup or row.pair:
                digest.update(repr((row.subgroup, row.pair)).encode())
    for rows in dataset.augmented:
        digest.update(repr([(row.text, row.labels, row.values, row.weight) for row in rows]).encode())
    for one in dataset.also:
        digest.update(compute_data_digest(one).encode())
    return digest.hexdigest()


def _build_data_record(dataset: Dataset, fingerprint: Fingerprint, length_notes: Sequence[str]) -> DataRecord:
    sample = [example.text for example in dataset.split("train")[:LANGUAGE_SAMPLE]]
    languages = Counter(language for text in sample if (language := detect_language(text)) is not None)
    counts: dict[str, dict[str, int]] = {}
    if dataset.scheme.is_categorical:
        for name, examples in dataset.splits.items():
            if name == UNLABELLED:
                continue
            counter = Counter(
                label for example in examples if not example.augmented_by for label in example.labels or ()
            )
            counts[name] = {label: counter[label] for label in dataset.scheme.names}
    means = None
    if not dataset.scheme.is_categorical:
        values = build_gold_matrix(dataset.scheme, dataset.split("train")).mean(axis=0)
        means = dict(zip(dataset.scheme.names, values.tolist(), strict=True))
    return DataRecord(
        name=dataset.name,
        rows={name: sum(not example.augmented_by for example in rows) for name, rows in dataset.splits.items()},
        augmented=dict(Counter(example.augmented_by for example in dataset.training_rows if example.augmented_by)),
        languages={code: round(count / len(sample), 4) for code, count in languages.most_common(5)},
        fingerprint=fingerprint.digest,
        notes=[*dataset.notes, *length_notes],
        label_counts=counts,
        value_means=means,
    )


def _count_trained_parameters(fitted: Fitted) -> int:
    return fitted.parameters if fitted.trainable is None else fitted.trainable


def _write_drift_reference(stage: Path, dataset: Dataset, trained: TrainedModel) -> None:
    """Write what the validation rows look like, for `insula monitor` and `insula drift`."""
    if trained.validation is None:
        return
    predictor, inputs = trained.predictor, [example.input for example in dataset.split("validation")]
    decisions = predictor.decide_logits(inputs, trained.validation)
    texts = [get_text(one) for one in inputs]
    replace_reference(stage, dataset.scheme, texts, decisions, embed_sample(predictor, inputs))


def _compute_fingerprints(dataset: Dataset) -> dict[str, Fingerprint]:
    splits = {split: dataset.splits.get(split) for split in ("validation", UNLABELLED)}
    splits["train"] = dataset.training_rows
    splits |= {f"auxiliary{number}": one.split("train") for number, one in enumerate(dataset.also)}
    return {name: Fingerprint.of(rows) for name, rows in splits.items() if rows}
