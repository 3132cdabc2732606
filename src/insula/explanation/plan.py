"""`choose_plan`: the method of an explanation that fits a budget of time, and what is left out for it."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import numpy as np

from insula.explanation.explainers import explainers
from insula.explanation.faithfulness import SHARES
from insula.explanation.masked_predictor import MaskedPredictor
from insula.explanation.methods.alone import COST as ALONE

AUTO = "auto"
HALF = 0.5  # cost of a variant with half of the words, against the whole text
EVALUATIONS = 300  # variants of a text that `partition` and `surrogate` compute at most
_NO_FAITHFULNESS = "The budget of {:g} ms left no time to measure how faithful the explanation is."
_OVER = "The budget of {:g} ms is too small for this text: {}."


class ExplanationPlan(NamedTuple):
    """A method that fits the budget, how many variants of the text it may compute, and whether to measure faithfulness.

    warning  what was left out
    words    into how many runs neighbouring words are joined, if there is no time for single words
    """

    method: str
    evaluations: int
    with_faithfulness: bool
    warning: str = ""
    words: int | None = None


def choose_plan(
    masked: MaskedPredictor, method: str, budget: float | None, start: float, *, with_faithfulness: bool
) -> ExplanationPlan:
    """Return the plan for a method or `auto`.

    budget      milliseconds from `start`, a time of `time.perf_counter`; None for no limit
    with_faithfulness  whether to measure faithfulness, if there is time

    Raises `UnknownNameError` for another method.
    """
    if method != AUTO:
        explainers[method]  # raises for a name that is not known
    if budget is None:
        if method == AUTO:
            method = "contexts" if masked.contributions is None else "exact"
        return ExplanationPlan(method, EVALUATIONS, with_faithfulness)
    affordable = _count_affordable(masked, budget, start)
    left_out = _NO_FAITHFULNESS.format(budget) if with_faithfulness else ""
    spare = _estimate_faithfulness_cost(masked) if with_faithfulness else 0.0
    for name, measures, cost in _list_candidates(masked, method):
        left = affordable - spare * measures
        evaluations = max(int(left), EVALUATIONS if method == AUTO else math.ceil(cost))
        if left >= cost:
            return ExplanationPlan(name, evaluations, measures and with_faithfulness, "" if measures else left_out)
    words = max(int((affordable - 1.0) / ALONE), 1)  # the runs are about as long as the text together
    if method == AUTO and words < len(masked):
        said, joined = "neighbouring words are explained together", words
    else:
        said, joined = f"the method {name} takes longer", None
    warning = f"{_OVER.format(budget, said)} {left_out}".rstrip()
    return ExplanationPlan(name, evaluations, with_faithfulness=False, warning=warning, words=joined)


def _list_candidates(masked: MaskedPredictor, method: str) -> list[tuple[str, bool, float]]:
    """Return methods, with measures of faithfulness or without, and their costs, the best one first."""
    if method != AUTO or masked.contributions is not None:
        wanted = [("exact" if method == AUTO else method, with_faithfulness) for with_faithfulness in (True, False)]
    else:
        wanted = [
            ("partition", True), ("contexts", True), ("occlusion", True), ("contexts", False), ("occlusion", False),
            ("alone", False),
        ]  # fmt: skip
    size = (len(masked), len(masked.wanted or ()))
    costs = {name: explainers[name].cost(*size) for name, _ in wanted}
    if method == AUTO and "partition" in costs:  # with fewer variants, its weights are less faithful than `contexts`
        costs["partition"] = HALF * EVALUATIONS
    return [(name, with_faithfulness, costs[name]) for name, with_faithfulness in wanted]


def _count_affordable(masked: MaskedPredictor, budget: float, start: float) -> float:
    """Return how many more readings of the text fit into `budget` milliseconds, from the time of a few of them."""
    probe = ~np.eye(len(masked), dtype=bool)[: min(4, len(masked))]
    before = time.perf_counter()
    masked.logits(probe)
    each = (time.perf_counter() - before) * 1000 / len(probe)
    left = budget - (time.perf_counter() - start) * 1000
    return max(left / max(each, 1e-3), 0.0)


def _estimate_faithfulness_cost(masked: MaskedPredictor) -> float:
    """Return the cost of the figures of `Faithfulness`: a second method, no words, and half of the words on average."""
    return len(masked) + 2 + HALF * 2 * len(SHARES) * len(masked.wanted or ())
