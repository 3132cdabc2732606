"""Measures a trained model and its baselines on validation and test rows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from insula.core.decision import DecisionRule, Decisions
from insula.core.example import Example
from insula.core.files import atomic_folder
from insula.core.progress import Progress
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.data.splits.compared import hash_row
from insula.data.splits.leak import Fingerprint
from insula.evaluation.baselines import BaselineRows, predict_majority
from insula.evaluation.document import Baseline
from insula.evaluation.evaluate_examples import evaluate_examples
from insula.evaluation.result import Evaluation, SeenRows
from insula.models.folder import seal
from insula.models.provenance import write_fingerprints
from insula.training.families.linear import LinearOptions
from insula.training.fit_model import TrainedModel, fit_model
from insula.training.fitting import RunContext
from insula.training.plan import plan_baseline
from insula.training.recipe.recipe import Recipe


@dataclass(frozen=True)
class RunMeasurements:
    """The measurements of a run, for its metrics document; None without rows.

    truncated  number of test rows that are longer than the model reads
    """

    validation: Evaluation | None
    test: Evaluation | None
    baselines: dict[str, Baseline]
    rows_per_second: float | None
    truncated: int


@dataclass(frozen=True)
class RunMeasurer:
    """Measures a trained model; baselines are stored in `folder`."""

    dataset: Dataset
    trained: TrainedModel
    recipe: Recipe
    language: str | None
    folder: Path
    progress: Progress

    def measure_all(self) -> RunMeasurements:
        """Measure the model on validation and test rows, if any, and the baselines on test rows."""
        predictor, validation, test = self.trained.predictor, None, None
        baselines: dict[str, Baseline] = {}
        rows_per_second, truncated = None, 0
        if self.trained.validation is not None:
            held_out = self.dataset.split("validation")
            decisions = predictor.decide_logits([example.input for example in held_out], self.trained.validation)
            validation = self._evaluate("validation", held_out, decisions)
        if examples := self.dataset.splits.get("test"):
            self.progress.say(f"Evaluating on {len(examples):,} test rows.")
            began = time.monotonic()
            inputs = [example.input for example in examples]
            logits, longer = predictor.read(inputs)
            decisions = predictor.decide_logits(inputs, logits)
            seconds = time.monotonic() - began
            truncated = int(longer.sum())
            rows_per_second = round(len(examples) / max(seconds, 1e-9), 1)
            test = self._evaluate("test", examples, decisions)
            baselines = self._measure_baselines(examples, decisions)
        return RunMeasurements(validation, test, baselines, rows_per_second, truncated)

    def _evaluate(self, split: str, examples: Sequence[Example], decisions: Decisions) -> Evaluation:
        scheme = self.dataset.scheme
        overlapping = self.dataset.overlaps.get(split, frozenset())
        found = evaluate_examples(
            scheme,
            examples,
            build_gold_matrix(scheme, examples),
            decisions,
            self.trained.predictor.decision,
            seen=[hash_row(example) in overlapping for example in examples],
            resamples=self.recipe.evaluation.resamples,
            seed=self.recipe.seed,
        )
        if self.dataset.keeps_leaks:
            return found.model_copy(update={"overlap": found.seen})
        # The leak guard removed overlapping texts from the training rows: the model was trained on none of them.
        nothing_seen = SeenRows(rows=0, metrics_without=found.metrics)
        return found.model_copy(update={"seen": nothing_seen, "overlap": found.seen})

    def _measure_baselines(self, examples: Sequence[Example], decisions: Decisions) -> dict[str, Baseline]:
        scheme, wanted = self.dataset.scheme, self.recipe.evaluation.baselines
        rows = BaselineRows(
            scheme, build_gold_matrix(scheme, examples), decisions, self.recipe.evaluation.resamples, self.recipe.seed
        )
        inputs = [example.input for example in examples]
        found = {}
        if "majority" in wanted:
            gold = build_gold_matrix(scheme, self.dataset.split("train"))
            found["majority"] = rows.compare_with(predict_majority(scheme, gold.mean(axis=0), len(examples)))
        if "untrained" in wanted and self.trained.fitted.untrained is not None:
            self.progress.say("Baseline: the model before training.")
            prepared = self.trained.predictor.prepared(inputs)
            found["untrained"] = rows.compare_with(
                DecisionRule().decide(scheme, self.trained.fitted.untrained(prepared))
            )
        if "linear" in wanted and self.recipe.model.name != "linear":
            self.progress.say("Baseline: linear, trained on the same rows.")
            found["linear"] = rows.compare_with(self._train_linear().predictor.decide(inputs))
        return found

    def _train_linear(self) -> TrainedModel:
        """Train `linear` on the same rows and store it next to the model, for comparisons on other rows."""
        with atomic_folder(self.folder / "baselines" / "linear") as stage:
            alone = dataclasses.replace(self.dataset, also=(), augmented=self.dataset.augmented[:1])
            plan = plan_baseline(alone, self.recipe, self.language, LinearOptions())
            linear = fit_model(alone, plan, RunContext(self.folder, self.recipe.seed, self.progress), stage)
            splits = {name: rows for name in ("train", "validation") if (rows := self.dataset.splits.get(name))}
            splits["train"] = alone.training_rows
            write_fingerprints(stage, {name: Fingerprint.of(rows) for name, rows in splits.items()})
            seal(stage, family="linear", backend=linear.fitted.backend)
        return linear
