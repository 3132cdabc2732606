"""The parity gate: the maximum difference between a compressed model and its source, measured on validation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule, Decisions
from insula.core.errors import ParityError
from insula.core.scheme import LabelScheme
from insula.evaluation.compare import compare
from insula.evaluation.metrics.metric_names import get_headline_metric, get_metric_title
from insula.inference.backends import Backend
from insula.inference.parity import (
    BATCHES,
    PARITY_VERSION,
    ROWS,
    BatchComparison,
    build_score_function,
    compare_batches,
)

WEIGHTS_ADVICE = "Choose other weights, such as 8bit."


@dataclass(frozen=True)
class ParityLimits:
    """The limits for a compressed model.

    loss              the maximum loss of the headline metric (macro-F1, Pearson r) on validation rows
    agreement         the minimum share of rows with the same label set as before; None for no limit
    batch_difference  the maximum difference of a score between a text alone and in a batch; labels must be the same
                      unless their score is that close to the threshold
    """

    loss: float = 0.005
    agreement: float | None = 0.97
    batch_difference: float = 1e-4


def measure_parity(
    scheme: LabelScheme,
    gold: NDArray[np.float64],
    before: Decisions,
    after: Decisions,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the agreement of label sets, and the loss of the headline metric with its paired bootstrap interval.

    Both rules were chosen on these rows, so both metrics are equally optimistic, but their difference is not.
    """
    name = get_headline_metric(scheme.kind)
    sides = [one.answers(scheme) for one in (before, after)]
    found = compare(scheme, gold, sides[:1], sides[1:], resamples=resamples, seed=seed).metrics[name]
    change = found.difference
    return {
        "rows": len(gold),
        "agreement": float((before.chosen == after.chosen).all(axis=1).mean()) if scheme.is_categorical else None,
        "metric": name,
        "before": found.a,
        "after": found.b,
        "loss": {"value": _negate(change.value), "low": _negate(change.high), "high": _negate(change.low)},
    }


def measure_batch_invariance(
    backend: Backend, scheme: LabelScheme, rule: DecisionRule, texts: Sequence[Any], limit: float, *, seed: int = 0
) -> dict[str, Any]:
    """Return the largest difference of scores between texts alone and in 50 random batches, and the changed labels."""
    comparison = compare_batches(backend, texts[:ROWS], seed=seed)
    return {
        "texts": min(len(texts), ROWS),
        "batches": BATCHES,
        "largest_difference": comparison.compute_max_difference(build_score_function(scheme, rule)),
        "labels_changed": _count_changed(comparison, scheme, rule, limit),
    }


def require_parity(
    limits: ParityLimits, parity: dict[str, Any], invariance: dict[str, Any], *, advice: str = WEIGHTS_ADVICE
) -> dict[str, Any]:
    """Return the content of `parity.json`. Raises `ParityError` with the reason if a limit is exceeded.

    parity      the result of `measure_parity`
    invariance  the result of `measure_batch_invariance`
    advice      what to do if scores depend on the batch
    """
    reason = explain_parity_failure(limits, parity, invariance, advice=advice)
    if reason is not None:
        raise ParityError(f"{reason} Nothing was written.")
    return build_parity_figures(limits, parity, invariance)


def build_parity_figures(limits: ParityLimits, parity: dict[str, Any], invariance: dict[str, Any]) -> dict[str, Any]:
    """Return the content of `parity.json`."""
    return {
        "format_version": PARITY_VERSION,
        "kind": "compressed",
        "limits": {"loss": limits.loss, "agreement": limits.agreement, "company": limits.batch_difference},
        "company": invariance,
        "validation": parity,
    }


def explain_parity_failure(
    limits: ParityLimits, parity: dict[str, Any], invariance: dict[str, Any], *, advice: str = WEIGHTS_ADVICE
) -> str | None:
    """Return why a model fails the parity gate, or None if it passes. Arguments as for `require_parity`."""
    difference, changed = invariance["largest_difference"], invariance["labels_changed"]
    if not difference <= limits.batch_difference or changed:
        return (
            f"The scores of a text must be the same alone and in any batch, within {limits.batch_difference:g}. Got "
            f"a difference of {difference:.2g}, and {changed} changed labels. {advice}"
        )
    loss = parity["loss"]["value"]
    if loss is None or not loss <= limits.loss:
        got = "no value, because the metric is undefined on these rows" if loss is None else f"{loss:.4f}"
        return (
            f"The loss of {get_metric_title(parity['metric'])} must be at most {limits.loss:g} on {parity['rows']:,} "
            f"validation rows. Got {got}. Choose larger weights, or allow more with --max-loss."
        )
    if limits.agreement is not None and parity["agreement"] is not None and parity["agreement"] < limits.agreement:
        return (
            f"The label sets must be the same on at least {limits.agreement:.0%} of {parity['rows']:,} validation "
            f"rows. Got {parity['agreement']:.1%}. Choose larger weights, such as 8bit."
        )
    return None


def _count_changed(comparison: BatchComparison, scheme: LabelScheme, rule: DecisionRule, limit: float) -> int:
    """Return the number of batch rows with changed labels, except where scores are within `limit` of a decision."""
    alone, batched = rule.decide(scheme, comparison.alone), rule.decide(scheme, comparison.batched)
    different = alone.chosen[comparison.rows] != batched.chosen
    if scheme.kind in ("single", "ordinal"):
        weighted = alone.scores * np.exp(np.asarray(rule.offsets)) if rule.offsets else alone.scores
        top = np.partition(weighted, -2, axis=1) if weighted.shape[1] > 1 else np.hstack([weighted, weighted])
        near = (top[:, -1] - top[:, -2] <= 2 * limit)[:, None]
    elif scheme.kind == "binary":
        near = np.abs(alone.scores[:, 1:] - (rule.thresholds or (0.5,))[0]) <= limit
    else:
        near = np.abs(alone.scores - np.asarray(rule.thresholds or (0.5,))) <= limit
    return int((different & ~near[comparison.rows]).any(axis=1).sum())


def _negate(value: float | None) -> float | None:
    return None if value is None else 0.0 - value  # never -0.0
