"""Chooses the decision rule (calibration, thresholds, abstention) on validation rows."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule
from insula.core.scheme import LabelScheme
from insula.evaluation.decisions.abstention import choose_abstention, choose_energy
from insula.evaluation.decisions.calibration import fit_calibration
from insula.evaluation.decisions.class_offsets import choose_offsets
from insula.evaluation.decisions.thresholds import choose_binary_threshold, choose_thresholds
from insula.training.options.sections import DecisionOptions

ENERGY_KINDS = ("single", "ordinal")
"""Of one logit the energy is the confidence, and of sets of labels it was not measured."""


def choose_decision(
    scheme: LabelScheme,
    logits: NDArray[np.floating[Any]],
    gold: NDArray[np.float64],
    options: DecisionOptions,
    *,
    seed: int,
) -> DecisionRule:
    """Return the rule for (rows, outputs) validation logits and (rows, labels) gold.

    The calibration minimises the negative log-likelihood. On calibrated scores, thresholds maximise F1 (multi-label;
    one threshold for binary) or offsets macro-F1 (single and ordinal, if enabled); they are kept only if their gain on
    held-out rows is more than luck (`evaluation.decisions.held_out`). The abstention threshold then gives the coverage
    of the options. Dimensional schemes have a calibration only.
    """
    calibration = fit_calibration(logits, gold, scheme.kind, method=options.calibration, seed=seed)
    rule = DecisionRule(calibration=calibration)
    if scheme.kind == "dimensional":
        return rule
    scores = rule.scores(scheme, logits)
    rule = dataclasses.replace(rule, thresholds=_choose_thresholds(scheme, scores, gold, options, seed))
    if options.class_offsets and scheme.kind in ("single", "ordinal"):
        offsets = choose_offsets(gold, scores, seed=seed)
        rule = dataclasses.replace(rule, offsets=tuple(offsets.tolist()) if offsets.any() else ())
    return add_abstention(rule, scheme, logits, gold, options)


def add_abstention(
    rule: DecisionRule,
    scheme: LabelScheme,
    logits: NDArray[np.floating[Any]],
    gold: NDArray[np.float64],
    options: DecisionOptions,
) -> DecisionRule:
    """Return a rule of a categorical scheme with its limits of confidence and energy."""
    coverage = options.coverage
    rule = dataclasses.replace(rule, abstention=0.0, energy=None)
    decided = rule.decide(scheme, logits)
    correct, confidence = (decided.chosen == (gold > 0.5)).all(axis=1), decided.confidence
    limit, energies = None, rule.energies(logits)
    if options.energy and scheme.kind in ENERGY_KINDS:
        limit = choose_energy(correct, energies, coverage=coverage)
    if limit is None:
        return dataclasses.replace(rule, abstention=choose_abstention(correct, confidence, coverage=coverage))
    rest = energies <= limit
    of_rest = min(1.0, coverage * len(correct) / int(rest.sum()))
    abstention = choose_abstention(correct[rest], np.asarray(confidence)[rest], coverage=of_rest)
    return dataclasses.replace(rule, abstention=abstention, energy=limit)


def _choose_thresholds(
    scheme: LabelScheme,
    scores: NDArray[np.floating[Any]],
    gold: NDArray[np.float64],
    options: DecisionOptions,
    seed: int,
) -> tuple[float, ...]:
    method = options.thresholds
    if method == "half":
        return ()
    if scheme.kind == "binary":
        chosen = choose_binary_threshold(gold[:, 1], scores[:, 1], seed=seed)
        return () if chosen == 0.5 else (chosen,)
    if scheme.kind != "multi":
        return ()
    several = choose_thresholds(gold, scores, method=method, seed=seed)
    return () if (several == 0.5).all() else tuple(several.tolist())
