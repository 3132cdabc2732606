"""The parity gate: how far a compressed model may be from the one it was made from, measured on validation rows."""

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
from insula.evaluation.metrics.metric_names import headline_metric, metric_title
from insula.inference.backends import Backend
from insula.inference.parity import BATCHES, PARITY_VERSION, ROWS, BatchComparison, compare_batches, score_function

TRY_OTHER_WEIGHTS = "Choose other weights, such as 8bit."


@dataclass(frozen=True)
class Limits:
    """What a compressed model is allowed.

    loss       of the headline metric (macro-F1, Pearson r), on validation rows
    agreement  least share of rows with the same label set as before; None asks for none
    company    by how much a score may move between a text alone and in a batch; labels must be the same unless their
               score is that close to its threshold
    """

    loss: float = 0.005
    agreement: float | None = 0.97
    company: float = 1e-4


def measure_parity(
    scheme: LabelScheme,
    gold: NDArray[np.float64],
    before: Decisions,
    after: Decisions,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Return agreement of label sets and the loss of the headline metric with its paired bootstrap interval.

    Both rules were chosen on these rows, so both figures are as optimistic; their difference is what is asked for.
    """
    name = headline_metric(scheme.kind)
    sides = [one.answers(scheme) for one in (before, after)]
    found = compare(scheme, gold, sides[:1], sides[1:], resamples=resamples, seed=seed).metrics[name]
    change = found.difference
    return {
        "rows": len(gold),
        "agreement": float((before.chosen == after.chosen).all(axis=1).mean()) if scheme.is_categorical else None,
        "metric": name,
        "before": found.a,
        "after": found.b,
        "loss": {"value": _less(change.value), "low": _less(change.high), "high": _less(change.low)},
    }


def measure_batch_invariance(
    backend: Backend, scheme: LabelScheme, rule: DecisionRule, texts: Sequence[Any], limit: float, *, seed: int = 0
) -> dict[str, Any]:
    """Return how far scores move between texts alone and in 50 random batches, and how many labels change for it."""
    company = compare_batches(backend, texts[:ROWS], seed=seed)
    return {
        "texts": min(len(texts), ROWS),
        "batches": BATCHES,
        "largest_difference": company.max_difference(score_function(scheme, rule)),
        "labels_changed": _changed(company, scheme, rule, limit),
    }


def require_parity(
    limits: Limits, parity: dict[str, Any], company: dict[str, Any], *, steady: str = TRY_OTHER_WEIGHTS
) -> dict[str, Any]:
    """Return the figures for `parity.json`; `ParityError` with the reason where one is beyond its limit.

    steady  what to do where scores depend on the company
    """
    reason = parity_failure(limits, parity, company, steady=steady)
    if reason is not None:
        raise ParityError(f"{reason} Nothing was written.")
    return parity_figures(limits, parity, company)


def parity_figures(limits: Limits, parity: dict[str, Any], company: dict[str, Any]) -> dict[str, Any]:
    """Return what stands in `parity.json`."""
    return {
        "format_version": PARITY_VERSION,
        "kind": "compressed",
        "limits": {"loss": limits.loss, "agreement": limits.agreement, "company": limits.company},
        "company": company,
        "validation": parity,
    }


def parity_failure(
    limits: Limits, parity: dict[str, Any], company: dict[str, Any], *, steady: str = TRY_OTHER_WEIGHTS
) -> str | None:
    """Return why the gate refuses, None where it lets pass; `steady` as for `require_parity`."""
    moved, flipped = company["largest_difference"], company["labels_changed"]
    if not moved <= limits.company or flipped:
        return (
            f"The scores of a text must be the same alone and in any batch, within {limits.company:g}. Got "
            f"{moved:.2g}, and {flipped} changed labels. {steady}"
        )
    loss = parity["loss"]["value"]
    if loss is None or not loss <= limits.loss:
        got = "no figure, for the metric is undefined on these rows" if loss is None else f"{loss:.4f}"
        return (
            f"The loss of {metric_title(parity['metric'])} must be at most {limits.loss:g} on {parity['rows']:,} "
            f"validation rows. Got {got}. Choose larger weights, or allow more with --max-loss."
        )
    if limits.agreement is not None and parity["agreement"] is not None and parity["agreement"] < limits.agreement:
        return (
            f"The label sets must be the same on at least {limits.agreement:.0%} of {parity['rows']:,} validation "
            f"rows. Got {parity['agreement']:.1%}. Choose larger weights, such as 8bit."
        )
    return None


def _changed(company: BatchComparison, scheme: LabelScheme, rule: DecisionRule, limit: float) -> int:
    """Count answers whose labels are others in company though no score is that close to where labels part."""
    alone, together = rule.decide(scheme, company.alone), rule.decide(scheme, company.batched)
    different = alone.chosen[company.rows] != together.chosen
    if scheme.kind in ("single", "ordinal"):
        ranked = alone.scores * np.exp(np.asarray(rule.offsets)) if rule.offsets else alone.scores
        parts = np.partition(ranked, -2, axis=1) if ranked.shape[1] > 1 else np.hstack([ranked, ranked])
        near = (parts[:, -1] - parts[:, -2] <= 2 * limit)[:, None]
    elif scheme.kind == "binary":
        near = np.abs(alone.scores[:, 1:] - (rule.thresholds or (0.5,))[0]) <= limit
    else:
        near = np.abs(alone.scores - np.asarray(rule.thresholds or (0.5,))) <= limit
    return int((different & ~near[company.rows]).any(axis=1).sum())


def _less(value: float | None) -> float | None:
    return None if value is None else 0.0 - value  # and never a minus before nothing
