"""Loss terms and the plan that they are built from, for tests without a recipe."""

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
    """Return a plan with these sections of a recipe and defaults for the others."""
    return TrainingPlan(scheme, None, Preparation(), sections.pop("model", ModelOptions(name="test")), **sections)


def loss_terms_of(
    scheme: LabelScheme, options: ObjectiveOptions | None = None, rows: PreparedRows | None = None, **sections: Any
) -> LossTerms:
    """Return the loss terms of the options; without rows, those for labelled rows."""
    chosen = options or ObjectiveOptions()
    alone = PreparedRows(Rows([], np.zeros((0, len(scheme.names))), np.zeros(0)))
    plan = plan_of(scheme, objective=chosen, **sections)
    return LossTerms.of(TermInput(plan, choose_objective(chosen, scheme), rows or alone))
