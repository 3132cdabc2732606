"""Choosing the decision rule: calibration, thresholds and abstention, on validation rows only."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule
from insula.core.scheme import LabelScheme
from insula.evaluation.abstention import choose_abstention
from insula.evaluation.calibration import fit_calibration
from insula.evaluation.thresholds import choose_thresholds
from insula.training.options import DecisionOptions


def choose_decision(
    scheme: LabelScheme,
    logits: NDArray[np.floating[Any]],
    gold: NDArray[np.float64],
    options: DecisionOptions,
    *,
    seed: int,
) -> DecisionRule:
    """Return the rule for (rows, outputs) validation logits and (rows, labels) gold.

    First the calibration, by negative log-likelihood; then, on calibrated scores, thresholds by F1 (multi-label only);
    then the abstention threshold that leaves the stated coverage. Dimensional schemes need none of it.
    """
    rule = DecisionRule()
    if scheme.kind == "dimensional":
        return rule
    if options.calibrate:
        rule = dataclasses.replace(rule, calibration=fit_calibration(logits, gold, scheme.kind, seed=seed))
    if options.tune_thresholds and scheme.kind == "multi":
        thresholds = choose_thresholds(gold, rule.scores(scheme, logits))
        rule = dataclasses.replace(rule, thresholds=tuple(float(value) for value in thresholds))
    decided = rule.decide(scheme, logits)
    correct = (decided.chosen == (gold > 0.5)).all(axis=1)
    abstention = choose_abstention(correct, decided.confidence, coverage=options.coverage)
    return dataclasses.replace(rule, abstention=float(abstention))
