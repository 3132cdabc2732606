"""The terms of a loss and the plan they are built from, for tests that need no recipe."""

from __future__ import annotations

from typing import Any

import numpy as np

from insula.core.scheme import LabelScheme
from insula.text.preparation import Preparation
from insula.training.fitting import PreparedRows, Rows, TrainingPlan
from insula.training.loss_terms.term import TermInput
from insula.training.loss_terms.total import LossTerms
from insula.training.objectives.registry import choose_objective
from insula.training.options.objective import ObjectiveOptions
from insula.training.options.sections import ModelOptions


def plan_of(scheme: LabelScheme, **sections: Any) -> TrainingPlan:
    """Return a plan with these sections of a recipe; the others have their defaults."""
    return TrainingPlan(scheme, None, Preparation(), sections.pop("model", ModelOptions(name="test")), **sections)


def loss_terms_of(
    scheme: LabelScheme, options: ObjectiveOptions | None = None, rows: PreparedRows | None = None, **sections: Any
) -> LossTerms:
    """Return what the options have a network minimise; without rows on rows with labels alone."""
    chosen = options or ObjectiveOptions()
    alone = PreparedRows(Rows([], np.zeros((0, len(scheme.names))), np.zeros(0)))
    plan = plan_of(scheme, objective=chosen, **sections)
    return LossTerms.of(TermInput(plan, choose_objective(chosen, scheme), rows or alone))
