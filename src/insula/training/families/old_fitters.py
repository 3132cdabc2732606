"""Support for plug-in fitters with one argument, written before `TrainingPlan`; removed in version 0.3."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.progress import Progress
from insula.core.scheme import LabelScheme
from insula.training.fitting import Fitted, PreparedRows, Rows, RunContext, Task, TrainingPlan
from insula.training.options.adapter import AdapterOptions
from insula.training.options.auxiliary import AuxiliaryOptions
from insula.training.options.distil import DistilOptions
from insula.training.options.objective import ObjectiveOptions
from insula.training.options.sections import ModelOptions, TrainOptions

Fitter = Callable[[TrainingPlan, PreparedRows, RunContext], Fitted]


@dataclass(frozen=True)
class LegacyRows:
    """Rows as old fitters read them: the last `unlabelled` rows have no labels and weight 0."""

    texts: Sequence[Any]
    gold: NDArray[np.float64]
    weights: NDArray[np.float64]
    answers: NDArray[np.float64] | None = None
    unlabelled: int = 0

    @classmethod
    def of(cls, rows: Rows) -> LegacyRows:
        """Return the rows in the old form."""
        main = np.ones(len(rows), dtype=bool) if rows.task is None else rows.task == 0
        answers = None if rows.teacher is None else rows.teacher[main]
        unlabelled = 0 if rows.labelled is None else int((main & ~rows.labelled).sum())
        return cls(rows.texts, rows.gold, rows.labelled_weights, answers, unlabelled)


@dataclass(frozen=True)
class FitInput:
    """The argument of an old fitter: the fields of plan, rows and context in one object.

    facts   written by the fitter, for the metrics of the run
    """

    scheme: LabelScheme
    language: str | None
    train: LegacyRows
    validation: LegacyRows | None
    model: ModelOptions
    options: TrainOptions
    seed: int
    folder: Path
    resume: bool
    progress: Progress
    report: Callable[[int, float], None]
    distil: DistilOptions | None
    auxiliary: AuxiliaryOptions | None
    tasks: Sequence[Task]
    adapter: AdapterOptions
    objective: ObjectiveOptions
    shared: Path | None
    callbacks: Sequence[Any]
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: TrainingPlan, rows: PreparedRows, run: RunContext) -> FitInput:
        """Return plan, rows and context as one object."""
        return cls(
            scheme=plan.scheme,
            language=plan.language,
            train=LegacyRows.of(rows.train),
            validation=None if rows.validation is None else LegacyRows.of(rows.validation),
            model=plan.model,
            options=plan.train,
            seed=run.seed,
            folder=run.folder,
            resume=run.resume,
            progress=run.progress,
            report=run.report,
            distil=plan.distil,
            auxiliary=plan.auxiliary,
            tasks=rows.tasks,
            adapter=plan.adapter,
            objective=plan.objective,
            shared=run.shared,
            callbacks=run.callbacks,
        )

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints, one for all processes."""
        return (self.shared or self.folder) / "checkpoints"


def adapt_legacy_fitter(function: Callable[..., Fitted], *, reference: str) -> Fitter:
    """Return the fitter of `reference` with the arguments plan, rows and run; an old one warns when it is called."""
    if not _takes_one_argument(function):
        return function

    def fit(plan: TrainingPlan, rows: PreparedRows, run: RunContext) -> Fitted:
        warnings.warn(
            f"The fitter {reference} takes one argument, a FitInput. Write it as fit(plan, rows, run); the old form "
            "works until version 0.3.",
            DeprecationWarning,
            stacklevel=2,
        )
        given = FitInput.of(plan, rows, run)
        fitted = function(given)
        return dataclasses.replace(fitted, facts={**fitted.facts, **given.facts})

    return fit


def _takes_one_argument(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # a compiled function has no signature
        return False
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len(places) == 1 and not any(one.kind is one.VAR_POSITIONAL for one in parameters)
