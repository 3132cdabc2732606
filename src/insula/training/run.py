"""A training run: from a data set and a recipe to `runs/NAME/` with model, metrics and report."""

from __future__ import annotations

import datetime
import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from insula import __version__
from insula.core.decision import DecisionRule
from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.files import atomic_folder, write_json, write_text
from insula.core.progress import Progress, Silent
from insula.core.targets import gold_matrix, weights
from insula.data.dataset import Dataset
from insula.data.leak import Fingerprint, text_hash
from insula.evaluation.cards import model_card
from insula.evaluation.evaluate import evaluate
from insula.evaluation.report import write_report
from insula.inference.backends import backends
from insula.inference.predictor import Predictor
from insula.models.folder import seal, write_parts
from insula.text.language import dominant, tell
from insula.text.preparation import Preparation
from insula.training.baselines import Judge, majority, untrained
from insula.training.decide import choose_decision
from insula.training.families import FitInput, Fitted, Rows, families
from insula.training.options import LinearOptions, ModelOptions
from insula.training.recipe import Recipe

METRICS_VERSION = 1
LANGUAGE_SAMPLE = 2000


@dataclass(frozen=True)
class Run:
    """A finished run: `path` is its folder, `metrics` what stands in its `metrics.json`."""

    path: Path
    metrics: Mapping[str, Any]

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.path / "model"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.path / "report.html"


@dataclass(frozen=True)
class _Trained:
    """A predictor and what its fitting left behind."""

    predictor: Predictor
    fitted: Fitted
    seconds: float


def train_run(
    dataset: Dataset,
    recipe: Recipe,
    folder: Path,
    *,
    source: Sequence[str] = (),
    command: str = "",
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train on `dataset` as `recipe` says and write the run into `folder`.

    `source` and `command` are written down. With `resume` an interrupted run goes on from its last checkpoint; the
    data must be the same, else `DataError`. The run is complete when `folder/model` stands there.
    """
    progress = progress or Silent()
    started = time.monotonic()
    fingerprint = Fingerprint.of(dataset.split("train"))
    _begin(folder, recipe, source, fingerprint, resume)
    language = dominant([example.text for example in dataset.split("train")])
    with atomic_folder(folder / "model") as stage:
        trained = fit_model(dataset, recipe.model, recipe, language, folder, stage, resume=resume, progress=progress)
        metrics = {
            "format_version": METRICS_VERSION,
            "insula_version": __version__,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "name": folder.name,
            "command": command,
            "model": {
                "family": recipe.model.name,
                "base": trained.fitted.base,
                "parameters": trained.fitted.parameters,
                "bytes": sum(file.stat().st_size for file in stage.iterdir()),
                "backend": trained.fitted.backend,
            },
            "scheme": dataset.scheme.to_dict(),
            "data": _about_data(dataset, fingerprint),
            "recipe": recipe.model_dump(mode="json", exclude_none=True),
            "seed": recipe.seed,
            "history": list(trained.fitted.history),
            "decision": about_decision(dataset, trained.predictor.decision, recipe.decision.coverage),
            **_measure(dataset, trained, recipe, language, folder, progress),
        }
        metrics["time"] |= {
            "train_seconds": round(trained.seconds, 1),
            "total_seconds": round(time.monotonic() - started, 1),
        }
        (stage / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
        save_file(_fingerprints(dataset), stage / "fingerprint.safetensors")
        write_json(stage / "metrics.json", metrics)
        (stage / "model_card.md").write_text(model_card(metrics), encoding="utf-8")
        seal(stage, family=recipe.model.name, backend=trained.fitted.backend)
        write_json(folder / "metrics.json", metrics)
        write_report(folder / "report.html", metrics)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    shutil.rmtree(folder / "tokenizer", ignore_errors=True)
    return Run(folder, metrics)


def fit_model(
    dataset: Dataset,
    model: ModelOptions,
    recipe: Recipe,
    language: str | None,
    folder: Path,
    stage: Path,
    *,
    resume: bool = False,
    progress: Progress,
) -> _Trained:
    """Fit one model, write its weights and parts into `stage`, choose its decision rule on validation."""
    family = families[model.name]
    steps = recipe.preparation.steps if model is recipe.model else "auto"
    # Only Chinese is stated: in other data each text tells by its script whether it is Chinese.
    preparation = Preparation(family.steps(model) if steps == "auto" else steps, "zh" if language == "zh" else None)
    scheme = dataset.scheme
    began = time.monotonic()
    validation = _rows(dataset, "validation", preparation)
    fitted = family.fit(
        FitInput(
            scheme=scheme,
            language=language,
            train=_some(_rows(dataset, "train", preparation)),
            validation=validation,
            model=model,
            options=recipe.train,
            seed=recipe.seed,
            folder=folder,
            resume=resume,
            progress=progress,
        )
    )
    seconds = time.monotonic() - began
    progress.say(f"Trained in {seconds:.0f} s; choosing thresholds and calibration on validation rows.")
    fitted.save(stage)
    backend = backends[fitted.backend](stage)
    decision = DecisionRule()
    if validation is not None:
        logits = np.asarray(backend.logits(validation.texts))
        decision = choose_decision(scheme, logits, validation.gold, recipe.decision, seed=recipe.seed)
    write_parts(stage, scheme=scheme, preparation=preparation, decision=decision)
    predictor = Predictor(scheme=scheme, preparation=preparation, decision=decision, backend=backend)
    return _Trained(predictor, fitted, seconds)


def about_decision(dataset: Dataset, rule: DecisionRule, coverage: float) -> dict[str, Any]:
    """Return the decision rule as the report shows it."""
    return {
        "calibration": rule.calibration.to_dict(),
        "thresholds": dict(zip(dataset.scheme.names, rule.thresholds, strict=True)) if rule.thresholds else None,
        "abstention": rule.abstention,
        "coverage": coverage,
    }


def _begin(folder: Path, recipe: Recipe, source: Sequence[str], fingerprint: Fingerprint, resume: bool) -> None:
    """Write down what the run is made of; a resumed run must be made of the same."""
    state_file = folder / "run.json"
    state = {"format_version": METRICS_VERSION, "source": list(source), "fingerprint": fingerprint.digest}
    if resume:
        before = json.loads(state_file.read_text(encoding="utf-8"))
        if before["fingerprint"] != fingerprint.digest:
            raise DataError(
                f"The training texts of run {str(folder)!r} have changed since it began: it cannot go on. "
                "Restore the data, or train anew under another name."
            )
        return
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    write_json(state_file, state)
    write_text(folder / "recipe.toml", recipe.to_toml())


def _rows(dataset: Dataset, split: str, preparation: Preparation) -> Rows | None:
    examples = dataset.splits.get(split)
    if not examples:
        return None
    texts = preparation.many([example.text for example in examples])
    return Rows(texts, gold_matrix(dataset.scheme, examples), weights(examples))


def _some(rows: Rows | None) -> Rows:
    if rows is None:
        raise DataError("The data set has no training rows. Check the columns with: insula data describe")
    return rows


def _measure(
    dataset: Dataset, trained: _Trained, recipe: Recipe, language: str | None, folder: Path, progress: Progress
) -> dict[str, Any]:
    """Return `validation`, `test`, `baselines` and `time` of the metrics."""
    measured: dict[str, Any] = {"test": None, "validation": None, "baselines": {}, "time": {}}
    for split in ("validation", "test"):
        examples = dataset.splits.get(split)
        if not examples:
            continue
        progress.say(f"Evaluating on {len(examples):,} {split} rows.")
        began = time.monotonic()
        decisions = trained.predictor.decide([example.text for example in examples])
        seconds = time.monotonic() - began
        measured[split] = _evaluate(dataset, split, examples, decisions, trained.predictor.decision, recipe)
        if split == "test":
            measured["time"]["rows_per_second"] = round(len(examples) / max(seconds, 1e-9), 1)
            judge = Judge(
                dataset.scheme,
                gold_matrix(dataset.scheme, examples),
                decisions,
                recipe.evaluation.resamples,
                recipe.seed,
            )
            measured["baselines"] = _baselines(dataset, examples, trained, recipe, language, folder, judge, progress)
    return measured


def _evaluate(
    dataset: Dataset, split: str, examples: Sequence[Example], decisions: Any, rule: DecisionRule, recipe: Recipe
) -> dict[str, Any]:
    texts = [example.text for example in examples]
    overlap = dataset.overlaps.get(split, frozenset())
    return evaluate(
        dataset.scheme,
        gold_matrix(dataset.scheme, examples),
        decisions.scores,
        decisions.chosen,
        texts=texts,
        languages=[example.language or tell(example.text) for example in examples],
        confidence=decisions.confidence,
        abstained=decisions.abstained,
        seen=[text_hash(text) in overlap for text in texts],
        thresholds=rule.thresholds if len(rule.thresholds) == len(dataset.scheme.names) else None,
        abstention_threshold=rule.abstention,
        resamples=recipe.evaluation.resamples,
        seed=recipe.seed,
    ).to_dict()


def _baselines(
    dataset: Dataset,
    examples: Sequence[Example],
    trained: _Trained,
    recipe: Recipe,
    language: str | None,
    folder: Path,
    judge: Judge,
    progress: Progress,
) -> dict[str, Any]:
    wanted = recipe.evaluation.baselines
    texts = [example.text for example in examples]
    found = {}
    if "majority" in wanted:
        gold = gold_matrix(dataset.scheme, dataset.split("train"))
        found["majority"] = judge.against(majority(dataset.scheme, gold, len(examples)))
    if "untrained" in wanted and trained.fitted.untrained is not None:
        progress.say("Baseline: the model before training.")
        prepared = trained.predictor.preparation.many(texts)
        found["untrained"] = judge.against(untrained(dataset.scheme, trained.fitted.untrained, prepared))
    if "linear" in wanted and recipe.model.name != "linear":
        progress.say("Baseline: linear, trained on the same rows.")
        with atomic_folder(folder / "baselines" / "linear") as stage:
            linear = fit_model(dataset, LinearOptions(), recipe, language, folder, stage, progress=progress)
            seal(stage, family="linear", backend=linear.fitted.backend)
        found["linear"] = judge.against(linear.predictor.decide(texts))
    return found


def _about_data(dataset: Dataset, fingerprint: Fingerprint) -> dict[str, Any]:
    sample = [example.text for example in dataset.split("train")[:LANGUAGE_SAMPLE]]
    told = Counter(language for text in sample if (language := tell(text)) is not None)
    counts: dict[str, dict[str, int]] = {}
    if dataset.scheme.is_categorical:
        for name, examples in dataset.splits.items():
            counter = Counter(label for example in examples for label in example.labels or ())
            counts[name] = {label: counter[label] for label in dataset.scheme.names}
    return {
        "name": dataset.name,
        "rows": {name: len(examples) for name, examples in dataset.splits.items()},
        "languages": {code: round(count / len(sample), 4) for code, count in told.most_common(5)},
        "fingerprint": fingerprint.digest,
        "notes": list(dataset.notes),
        "label_counts": counts,
    }


def _fingerprints(dataset: Dataset) -> dict[str, Any]:
    return {
        split: Fingerprint.of(dataset.splits[split]).to_array().view(np.int64)
        for split in ("train", "validation")
        if dataset.splits.get(split)
    }
