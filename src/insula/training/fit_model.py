"""One model from prepared rows to a model folder's weights, parts and decision rule."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule
from insula.core.errors import DataError, RecipeError
from insula.core.files import write_json
from insula.core.progress import Progress, Silent
from insula.core.targets import gold_matrix, weights
from insula.data.dataset import Dataset
from insula.inference.backends import backend_entry, open_backend
from insula.inference.parity import PARITY, check_export
from insula.inference.predictor import Predictor
from insula.models.folder import write_parts
from insula.text.context import TEXT_ALONE, Context
from insula.text.preparation import Preparation
from insula.training.decide import choose_decision
from insula.training.families.registry import families
from insula.training.fitting import FitInput, Fitted, Rows, Task
from insula.training.neural.peak_memory import PeakMemory
from insula.training.neural.processes import leave_process_group
from insula.training.neural.validation import check_finite
from insula.training.objectives.training_targets import training_rows
from insula.training.options.objective import ObjectiveOptions
from insula.training.options.sections import ModelOptions
from insula.training.recipe.recipe import Recipe
from insula.training.transfer.auxiliary import with_task_rows
from insula.training.transfer.distil import with_teacher_scores

CONTEXT_TURNS = 3  # what `auto` reads


@dataclass(frozen=True)
class Trained:
    """A predictor and what its fitting left behind.

    validation  the (rows, outputs) logits on which the decision rule was chosen; None where no rows were held out
    seconds     that fitting took, of a resumed run those up to the checkpoint that it went on from as well
    facts       what else the fitter has to tell
    megabytes   of memory at its highest while fitting; None where the system does not tell
    before      those of the seconds that an earlier process of a resumed run spent
    """

    predictor: Predictor
    fitted: Fitted
    validation: NDArray[np.floating[Any]] | None
    seconds: float
    facts: dict[str, Any]
    megabytes: float | None
    before: float = 0.0


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
    report: Callable[[int, float], None] | None = None,
    callbacks: Sequence[Any] = (),
) -> Trained:
    """Fit one model, write its weights and parts into `stage`, choose its decision rule on validation.

    `report` is told step and validation score at each evaluation, by families that evaluate as they learn; neural
    trainers call the `callbacks`.
    """
    preparation, scheme, began = _preparation(dataset, model, recipe, language), dataset.scheme, time.monotonic()
    given = _fit_input(dataset, model, recipe, language, preparation, folder, resume, progress)
    given = dataclasses.replace(given, callbacks=callbacks)
    train, validation = given.train, given.validation
    with PeakMemory() as peak:
        fitted = families[model.name].fit(given if report is None else dataclasses.replace(given, report=report))
    leave_process_group()
    before = given.facts.pop("seconds_before", 0.0)
    seconds = time.monotonic() - began + before
    progress.say(f"Trained in {seconds:.0f} s; choosing thresholds and calibration on validation rows.")
    fitted.save(stage)
    if backend_entry(fitted.backend).exported and (stage / "model.safetensors").exists():
        parity = check_export(stage, scheme, train.texts, seed=recipe.seed, backend=fitted.backend)
        write_json(stage / PARITY, parity)
    backend = open_backend(fitted.backend, stage)
    decision, logits = DecisionRule(), None
    check_finite(np.asarray(backend.logits(train.texts[:1])))
    if validation is not None:
        logits = np.asarray(backend.logits(validation.texts))
        decision = choose_decision(scheme, logits, validation.gold, recipe.decision, seed=recipe.seed)
    write_parts(stage, scheme=scheme, preparation=preparation, decision=decision)
    predictor = Predictor(scheme=scheme, preparation=preparation, decision=decision, backend=backend)
    return Trained(predictor, fitted, logits, seconds, given.facts, peak.megabytes, before)


def fit_as_worker(dataset: Dataset, recipe: Recipe, language: str | None, shared: Path, *, resume: bool) -> None:
    """Train as one of the processes that are not the first; only the run's folder `shared` keeps files."""
    if not families[recipe.model.name].neural:
        return
    with tempfile.TemporaryDirectory(prefix="insula-") as own:
        preparation = _preparation(dataset, recipe.model, recipe, language)
        given = _fit_input(dataset, recipe.model, recipe, language, preparation, Path(own), resume, Silent())
        families[recipe.model.name].fit(dataclasses.replace(given, shared=shared))
        leave_process_group()


def _preparation(dataset: Dataset, model: ModelOptions, recipe: Recipe, language: str | None) -> Preparation:
    steps = recipe.preparation.steps if model is recipe.model else "auto"
    return Preparation(
        steps=families[model.name].steps(model) if steps == "auto" else steps,
        # Only Chinese is stated: in other data each text tells by its script whether it is Chinese.
        language="zh" if language == "zh" else None,
        max_length=recipe.data.max_text_length,
        # Baselines read the text alone: they are what a simpler model makes of it.
        context=_context(dataset, model, recipe) if model is recipe.model else TEXT_ALONE,
    )


def _context(dataset: Dataset, model: ModelOptions, recipe: Recipe) -> Context:
    """Return what the model reads besides the text; raises `RecipeError` where the data have no such thing."""
    train = dataset.split("train")
    turns, options = recipe.preparation.context_turns, recipe.preparation
    has_turns = any(example.turns for example in train)
    if turns == "auto":
        # Joined into one text, turns are mistaken for the text itself: linear loses by them (docs/benchmarks.md).
        turns = CONTEXT_TURNS if has_turns and families[model.name].pairs else 0
    elif turns and not has_turns:
        raise RecipeError(
            f"The preparation.context_turns option needs earlier turns, and no training row has any. Got {turns}. Name "
            "their columns with data.context or data.dialogue, or leave it out."
        )
    target = any(example.target is not None for example in train)
    if not turns and not target:
        return TEXT_ALONE
    return Context(turns=turns, speakers=options.speakers, target=target, pairs=families[model.name].pairs)


def _fit_input(
    dataset: Dataset,
    model: ModelOptions,
    recipe: Recipe,
    language: str | None,
    preparation: Preparation,
    folder: Path,
    resume: bool,
    progress: Progress,
) -> FitInput:
    objective = recipe.objective if model is recipe.model else ObjectiveOptions()
    train, validation = _some(_rows(dataset, "train", preparation)), _rows(dataset, "validation", preparation)
    train = training_rows(train, dataset.split("train"), dataset.scheme, objective)
    tasks: list[Task] = []
    if model is recipe.model:
        train = with_teacher_scores(train, dataset, recipe, preparation, folder, progress)
        tasks = [Task(one.scheme, _some(_rows(one, "train", preparation))) for one in dataset.also]
        train = with_task_rows(train, tasks)
    return FitInput(
        scheme=dataset.scheme,
        language=language,
        train=train,
        validation=validation,
        model=model,
        options=recipe.train,
        seed=recipe.seed,
        folder=folder,
        resume=resume,
        progress=progress,
        distil=recipe.distil,
        auxiliary=recipe.auxiliary,
        tasks=tasks,
        adapter=recipe.adapter,
        objective=objective,
    )


def _rows(dataset: Dataset, split: str, preparation: Preparation) -> Rows | None:
    examples = dataset.splits.get(split)
    if not examples:
        return None
    texts = preparation.segments([example.input for example in examples])
    return Rows(texts, gold_matrix(dataset.scheme, examples), weights(examples))


def _some(rows: Rows | None) -> Rows:
    if rows is None:
        raise DataError("The data set has no training rows. Check the columns with: insula data describe")
    return rows
