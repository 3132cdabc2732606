"""What training brought: the same test rows answered by the majority, the untrained model and `linear`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule, Decisions
from insula.core.scheme import LabelScheme
from insula.evaluation.baseline import baseline_majority
from insula.evaluation.compare import compare
from insula.evaluation.evaluate import evaluate


@dataclass(frozen=True)
class Judge:
    """The test rows on which every answer is judged.

    gold    (rows, labels)
    model   the decisions of the trained model on these rows
    """

    scheme: LabelScheme
    gold: NDArray[np.float64]
    model: Decisions
    resamples: int
    seed: int

    def against(self, other: Decisions) -> dict[str, Any]:
        """Return the metrics of other decisions, and by how much the model is better, with a paired interval."""
        measured = evaluate(
            self.scheme, self.gold, other.scores, other.chosen, resamples=self.resamples, seed=self.seed
        )
        dimensional = self.scheme.kind == "dimensional"
        a, b = (other.scores, self.model.scores) if dimensional else (other.chosen, self.model.chosen)
        name = measured.headline_name
        difference = compare(self.scheme, self.gold, a, b, resamples=self.resamples, seed=self.seed).differences[name]
        return {"metrics": measured.metrics, "difference": {"metric": name, **difference.to_dict()}}


def majority(scheme: LabelScheme, train_gold: NDArray[np.float64], rows: int) -> Decisions:
    """Return the constant majority answer."""
    scores, decided = baseline_majority(scheme, train_gold.mean(axis=0), rows)
    nothing = np.zeros(rows, dtype=bool)
    chosen = np.zeros(scores.shape, dtype=bool) if scheme.kind == "dimensional" else decided > 0.5
    return Decisions(scores, chosen, None, nothing)


def untrained(
    scheme: LabelScheme, logits: Callable[[Sequence[str]], NDArray[np.float32]], texts: Sequence[str]
) -> Decisions:
    """Return what the architecture answers before the first step, with nothing chosen on validation."""
    return DecisionRule().decide(scheme, logits(texts))
