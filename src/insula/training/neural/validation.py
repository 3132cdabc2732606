"""The validation score by which training selects models; higher is better."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from insula.core.decision import DecisionRule
from insula.core.errors import RecipeError
from insula.core.scheme import LabelScheme
from insula.evaluation.decisions.thresholds import choose_thresholds
from insula.evaluation.metrics.intervals import compute_moment_intervals, count_intervals
from insula.evaluation.metrics.metric_names import get_headline_metric
from insula.evaluation.result import Interval


def compute_validation_score(
    scheme: LabelScheme, rule: DecisionRule, logits: NDArray[np.floating[Any]], gold: NDArray[np.float64]
) -> tuple[str, float]:
    """Return name and value: macro-F1 (multi-label: at thresholds chosen on the same rows) or mean Pearson.

    Multi-label models are compared at their best thresholds, since early on rare labels hardly reach 0.5.
    """
    check_finite(logits)
    name = get_headline_metric(scheme.kind)
    scores = rule.scores(scheme, logits)
    if scheme.kind == "dimensional":
        return name, float(np.mean([_compute_pearson(a, b) for a, b in zip(scores.T, gold.T, strict=True)]))
    if scheme.kind == "multi":
        chosen = scores >= choose_thresholds(gold, scores)
    else:
        chosen = rule.decide(scheme, logits).chosen
    return name, float(f1_score(gold.astype(int), chosen.astype(int), average="macro", zero_division=0))


def compute_decided_score(
    scheme: LabelScheme,
    rule: DecisionRule,
    logits: NDArray[np.floating[Any]],
    gold: NDArray[np.float64],
    *,
    resamples: int,
    seed: int,
) -> Interval:
    """Return the headline metric of the decisions of a rule, with its bootstrap interval."""
    decided = rule.decide(scheme, logits)
    name = get_headline_metric(scheme.kind)
    if scheme.kind == "dimensional":
        return compute_moment_intervals(gold, decided.scores, resamples=resamples, seed=seed)[name]
    return count_intervals(gold > 0.5, decided.chosen, resamples=resamples, seed=seed)[name]


def check_finite(logits: NDArray[np.floating[Any]]) -> None:
    """Raise `RecipeError` if logits are not finite, which means that training has diverged."""
    if not np.isfinite(logits).all():
        raise RecipeError(
            "The logits of the model must be finite. Got NaN or infinity: training has diverged. Lower "
            "train.learning_rate."
        )


def _compute_pearson(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> float:
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
