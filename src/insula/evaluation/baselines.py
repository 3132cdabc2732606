"""Baselines: constant predictions from the label frequencies, and the comparison of a model with any baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from insula.core.arrays import Float64Array
from insula.core.decision import Decisions
from insula.core.scheme import LabelScheme
from insula.evaluation.compare import compare
from insula.evaluation.document import Baseline, BaselineDifference
from insula.evaluation.evaluate import evaluate
from insula.evaluation.metrics.checked_arrays import as_column


def predict_majority(scheme: LabelScheme, base_rates: Any, rows: int) -> Decisions:
    """Return constant predictions from the label frequencies of the training rows.

    base_rates   (names,): share of training rows with each label; dimensional: training mean of each dimension

    single, binary, ordinal: the most frequent class; multi: the labels with a base rate of at least 0.5, which is often
    the empty set; dimensional: the means. The scores are the base rates.
    """
    rates = as_column("base rates", base_rates, len(scheme.names))
    if not scheme.is_categorical:
        chosen = np.zeros(len(rates), dtype=bool)
    elif scheme.kind == "multi":
        chosen = rates >= 0.5
    else:
        chosen = np.arange(len(rates)) == rates.argmax()
    return Decisions(np.tile(rates, (rows, 1)), np.tile(chosen, (rows, 1)), None, np.zeros(rows, dtype=bool))


@dataclass(frozen=True)
class BaselineRows:
    """The test rows on which the model and all baselines are evaluated.

    gold    (rows, labels)
    model   the decisions of the trained model on these rows
    """

    scheme: LabelScheme
    gold: Float64Array
    model: Decisions
    resamples: int
    seed: int

    def compare_with(self, other: Decisions) -> Baseline:
        """Return the metrics of a baseline's decisions and how much better the model is, with a paired interval."""
        measured = evaluate(
            self.scheme, self.gold, other.scores, other.chosen, resamples=self.resamples, seed=self.seed
        )
        a, b = other.answers(self.scheme), self.model.answers(self.scheme)
        name = measured.headline_name
        compared = compare(self.scheme, self.gold, [a], [b], resamples=self.resamples, seed=self.seed)
        difference = BaselineDifference(metric=name, **compared.metrics[name].difference.to_dict())
        return Baseline(metrics=measured.metrics, difference=difference)
