"""Resolves a recipe, a data set and a base into a `TrainingPlan` and its prepared rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import DataError, RecipeError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.core.targets import build_gold_matrix, collect_weights
from insula.data.dataset import Dataset
from insula.knowledge.rules import Rules
from insula.text.context import TEXT_ALONE, Context
from insula.text.preparation import Preparation
from insula.training.families.registry import families
from insula.training.fitting import Base, PreparedRows, Rows, RunContext, Task, TrainingPlan
from insula.training.objectives.training_targets import build_training_rows
from insula.training.options.sections import ModelOptions
from insula.training.recipe.recipe import Recipe
from insula.training.transfer.auxiliary import append_task_rows
from insula.training.transfer.distil import add_teacher_scores

CONTEXT_TURNS = 3  # read by `auto`


def plan_training(dataset: Dataset, recipe: Recipe, language: str | None, base: Base | None = None) -> TrainingPlan:
    """Return the plan for training with a recipe.

    base   the result of `Family.check`, if it was called already

    Raises what `Family.check` raises, and `RecipeError` if the data lack the context that the recipe requires,
    `DataError` and `MissingFileError` as `Rules.read` does.
    """
    model = recipe.model
    located = base or families[model.name].check(model)
    context = _build_context(dataset, recipe)
    return TrainingPlan(
        scheme=dataset.scheme,
        language=language,
        preparation=_build_preparation(recipe, model, located, language, recipe.preparation.steps, context),
        model=model,
        base=located,
        rules=None if recipe.rules.file is None else Rules.read(recipe.rules.file, dataset.scheme),
        train=recipe.train,
        objective=recipe.objective,
        adapter=recipe.adapter,
        distil=recipe.distil,
        auxiliary=recipe.auxiliary,
        adversarial=recipe.adversarial,
        robust=recipe.robust,
        decision=recipe.decision,
    )


def plan_baseline(dataset: Dataset, recipe: Recipe, language: str | None, model: ModelOptions) -> TrainingPlan:
    """Return the plan of a baseline of family `model.name` on the same rows, with text alone and default options."""
    base = families[model.name].check(model)
    return TrainingPlan(
        scheme=dataset.scheme,
        language=language,
        preparation=_build_preparation(recipe, model, base, language, "auto", TEXT_ALONE),
        model=model,
        base=base,
        train=recipe.train,
        decision=recipe.decision,
    )


def prepare_rows(dataset: Dataset, plan: TrainingPlan, run: RunContext) -> PreparedRows:
    """Return the rows of a plan, with the scores of its teachers and the rows of the auxiliary sets.

    Raises `DataError` if a set has no training rows, `RecipeError` like `build_training_rows`.
    """
    train, validation = _build_training_rows(dataset, plan), _build_rows(dataset.splits.get("validation"), plan)
    train = add_teacher_scores(train, dataset, plan, run)
    tasks = [Task(one.scheme, _require_rows(_build_rows(one.split("train"), plan, one.scheme))) for one in dataset.also]
    return PreparedRows(append_task_rows(train, tasks), validation, tasks)


def _build_preparation(
    recipe: Recipe,
    model: ModelOptions,
    base: Base | None,
    language: str | None,
    steps: str | tuple[str, ...],
    context: Context,
) -> Preparation:
    return Preparation(
        steps=families[model.name].get_text_steps(model, base) if isinstance(steps, str) else steps,
        # Other languages are not set, so that the script of each text decides whether it is Chinese.
        language="zh" if language == "zh" else None,
        max_length=recipe.data.max_text_length,
        context=context,
    )


def _build_context(dataset: Dataset, recipe: Recipe) -> Context:
    """Return the context that the model reads besides the text."""
    train, options, family = dataset.split("train"), recipe.preparation, families[recipe.model.name]
    turns = options.context_turns
    has_turns = any(example.turns for example in train)
    if turns == "auto":
        # Families without pairs confuse joined turns with the text: `linear` gets worse (docs/benchmarks.md).
        turns = CONTEXT_TURNS if has_turns and family.pairs else 0
    elif turns and not has_turns:
        raise RecipeError(
            f"The preparation.context_turns option needs earlier turns, and no training row has any. Got {turns}. Set "
            "their columns with data.context or data.dialogue, or leave the option out."
        )
    target = any(example.target is not None for example in train)
    if not turns and not target:
        return TEXT_ALONE
    return Context(turns=turns, speakers=options.speakers, target=target, pairs=family.pairs)


def _build_training_rows(dataset: Dataset, plan: TrainingPlan) -> Rows:
    """Return the training rows and their augmented copies."""
    examples = dataset.training_rows
    rows = build_training_rows(_require_rows(_build_rows(examples, plan)), examples, plan.scheme, plan.objective)
    if len(dataset.augmented) < 2:
        return rows
    sizes = [len(dataset.split("train")), *map(len, dataset.augmented)]
    return dataclasses.replace(rows, epoch=np.repeat(np.arange(len(sizes)), sizes))


def _build_rows(
    examples: Sequence[Example] | None, plan: TrainingPlan, scheme: LabelScheme | None = None
) -> Rows | None:
    """Return rows under a scheme (default: the plan's scheme); None without examples."""
    if not examples:
        return None
    texts = plan.preparation.prepare_segments([example.input for example in examples])
    return Rows(
        texts,
        build_gold_matrix(scheme or plan.scheme, examples),
        collect_weights(examples),
        subgroup=_to_name_array([example.subgroup for example in examples]),
        pair=_to_name_array([example.pair for example in examples]),
    )


def _to_name_array(given: Sequence[str | None]) -> NDArray[np.str_] | None:
    """Return names as an array with "" for None; None if there are none."""
    return np.array([name or "" for name in given], dtype=np.str_) if any(given) else None


def _require_rows(rows: Rows | None) -> Rows:
    if rows is None:
        raise DataError("The data set has no training rows. Check the columns with: insula data describe")
    return rows
