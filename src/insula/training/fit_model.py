"""Fits one model by a plan: weights, further files of the model folder, and the decision rule."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule
from insula.core.files import write_json, write_text
from insula.data.dataset import Dataset
from insula.inference.backends import get_backend_entry, open_backend
from insula.inference.parity import PARITY, check_export
from insula.inference.predictor import Predictor
from insula.knowledge.rule_file import RULES
from insula.models.folder import write_common_files
from insula.models.tokens.tokenization import set_windows
from insula.training.decide import choose_decision
from insula.training.families.registry import families
from insula.training.fitting import Fitted, RunContext, TrainingPlan
from insula.training.neural.peak_memory import PeakMemory
from insula.training.neural.processes import leave_process_group
from insula.training.neural.validation import check_finite
from insula.training.plan import plan_training, prepare_rows
from insula.training.recipe.recipe import Recipe
from insula.training.windows import WindowChoice, choose_windows


@dataclass(frozen=True)
class TrainedModel:
    """A trained model with its predictor.

    validation  the (rows, outputs) logits on which the decision rule was chosen; None without validation rows
    seconds     duration of the fitting, including the time before an interruption
    megabytes   peak memory while fitting; None if the system does not report it
    windows     how texts that are longer than the model reads are read
    """

    predictor: Predictor
    fitted: Fitted
    validation: NDArray[np.floating[Any]] | None
    seconds: float
    megabytes: float | None
    windows: WindowChoice


def fit_model(dataset: Dataset, plan: TrainingPlan, run: RunContext, stage: Path) -> TrainedModel:
    """Fit one model, write it into `stage`, and choose its decision rule on validation rows."""
    began = time.monotonic()
    rows = prepare_rows(dataset, plan, run)
    train, validation = rows.train, rows.validation
    with PeakMemory() as peak:
        fitted = families[plan.model.name].fit(plan, rows, run)
    leave_process_group()
    seconds = time.monotonic() - began + fitted.seconds_before
    run.progress.say(f"Trained in {seconds:.0f} s; choosing thresholds and calibration on validation rows.")
    fitted.save(stage)
    if get_backend_entry(fitted.backend).exported and (stage / "model.safetensors").exists():
        write_json(stage / PARITY, check_export(stage, plan.scheme, train.texts, seed=run.seed, backend=fitted.backend))
    backend = open_backend(fitted.backend, stage)
    decision = DecisionRule()
    check_finite(np.asarray(backend.logits(train.texts[:1])))
    texts, gold = ([], None) if validation is None else (validation.texts, validation.gold)
    chosen = choose_windows(backend, plan.scheme, texts, gold, plan.model)
    if chosen.windows is not None and chosen.windows != "none":
        set_windows(stage, chosen.windows)
    if gold is not None and chosen.logits is not None:
        decision = choose_decision(plan.scheme, chosen.logits, gold, plan.decision, seed=run.seed)
    write_common_files(stage, scheme=plan.scheme, preparation=plan.preparation, decision=decision)
    if plan.rules is not None:
        write_text(stage / RULES, plan.rules.text)
    predictor = Predictor(
        scheme=plan.scheme,
        preparation=plan.preparation,
        decision=decision,
        backend=backend,
        rules=plan.rules,
    )
    return TrainedModel(predictor, fitted, chosen.logits, seconds, peak.megabytes, chosen)


def fit_as_worker(dataset: Dataset, recipe: Recipe, language: str | None, shared: Path, *, resume: bool) -> None:
    """Train as one of the further processes; only the folder of the run, `shared`, keeps files."""
    family = families[recipe.model.name]
    if not family.neural:
        return
    with tempfile.TemporaryDirectory(prefix="insula-") as own:
        plan = plan_training(dataset, recipe, language)
        run = RunContext(Path(own), seed=recipe.seed, resume=resume, shared=shared)
        family.fit(plan, prepare_rows(dataset, plan, run), run)
        leave_process_group()
