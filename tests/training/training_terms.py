"""The terms of a loss, for tests that need no recipe."""

from __future__ import annotations

from typing import Any

import numpy as np

from insula.core.scheme import LabelScheme
from insula.training.fitting import Rows
from insula.training.loss_terms.term import TermInput
from insula.training.loss_terms.total import LossTerms
from insula.training.objectives.registry import choose_objective
from insula.training.options.objective import ObjectiveOptions


def loss_terms_of(scheme: LabelScheme, options: ObjectiveOptions | None = None, **more: Any) -> LossTerms:
    """Return what the options have a network minimise on rows with labels alone."""
    chosen = options or ObjectiveOptions()
    rows = more.pop("train", Rows([], np.zeros((0, len(scheme.names))), np.zeros(0)))
    objective = more.pop("objective", None) or choose_objective(chosen, scheme)
    return LossTerms.of(TermInput(scheme, objective, rows, options=chosen, **more))
