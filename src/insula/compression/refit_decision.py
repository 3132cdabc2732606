"""Chooses the decision rule of a compressed model again on validation rows, close to the old rule or freely."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule, Decisions
from insula.core.scheme import LabelScheme
from insula.evaluation.decisions.thresholds import compute_midpoint
from insula.training.decide import add_abstention, choose_decision
from insula.training.options.sections import DecisionOptions


def refit_decision(
    scheme: LabelScheme,
    logits: NDArray[np.floating[Any]],
    gold: NDArray[np.float64],
    options: DecisionOptions,
    *,
    seed: int,
    rule: DecisionRule,
    before: Decisions,
    faithful: bool,
) -> DecisionRule:
    """Return a decision rule for the (rows, outputs) validation logits of a compressed model.

    rule, before  the rule of the source model, and its decisions for the same rows
    faithful      keep the offsets, and choose thresholds that predict each label as often as before; otherwise choose
                  both by F1, as in training

    A threshold chosen by F1 jumps between neighbouring peaks when scores change slightly, which flips labels whose
    scores hardly changed (one row in ten on GoEmotions). Matching the counts avoids this.
    """
    chosen = choose_decision(scheme, logits, gold, options, seed=seed)
    if not faithful or scheme.kind == "dimensional":
        return chosen
    chosen = dataclasses.replace(chosen, thresholds=(), offsets=rule.offsets)
    if scheme.threshold_labels:
        limits = rule.thresholds or (0.5,) * len(scheme.threshold_labels)
        columns = [scheme.index(label) for label in scheme.threshold_labels]
        scores = chosen.scores(scheme, logits)[:, columns]
        counts = before.chosen[:, columns].sum(axis=0)
        chosen = dataclasses.replace(
            chosen,
            thresholds=tuple(
                _choose_threshold(column, int(count), limit)
                for column, count, limit in zip(scores.T, counts, limits, strict=True)
            ),
        )
    return add_abstention(chosen, scheme, logits, gold, options)


def _choose_threshold(scores: NDArray[np.floating[Any]], count: int, before: float) -> float:
    """Return a threshold that `count` scores reach: `before` if it does so, else the midpoint between two scores."""
    if int((scores >= before).sum()) == count:
        return before
    ranked = np.sort(scores)[::-1]
    upper = ranked[count - 1] if count else 1.0
    lower = ranked[count] if count < len(ranked) else 0.0
    return float(compute_midpoint(np.asarray(lower), np.asarray(upper)))
