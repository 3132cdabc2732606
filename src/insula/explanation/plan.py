"""`choose_plan`: the method of an explanation that fits a budget of time, and what is left out for it."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import numpy as np

from insula.explanation.explainers import explainers
from insula.explanation.faithfulness import SHARES
from insula.explanation.methods.alone import COST as ALONE
from insula.explanation.question import Question

AUTO = "auto"
HALF = 0.5  # cost of a variant with half of the words, against the whole text
EVALUATIONS = 300  # variants of a text that `partition` and `surrogate` compute at most
_NO_TRUST = "The budget of {:g} ms left no time to measure how faithful the explanation is."
_OVER = "The budget of {:g} ms is too small for this text: {}."


class Plan(NamedTuple):
    """A method that fits the budget, how many variants of the text it may compute, and whether to measure trust.

    warning  what was left out
    words    into how many runs neighbouring words are joined, if there is no time for single words
    """

    method: str
    evaluations: int
    with_trust: bool
    warning: str = ""
    words: int | None = None


def choose_plan(question: Question, method: str, budget: float | None, start: float, *, with_trust: bool) -> Plan:
    """Return the plan for a method or `auto`.

    budget      milliseconds from `start`, a time of `time.perf_counter`; None for no limit
    with_trust  whether to measure trust, if there is time

    Raises `UnknownNameError` for another method.
    """
    if method != AUTO:
        explainers[method]  # raises for a name that is not known
    if budget is None:
        if method == AUTO:
            method = "contexts" if question.contributions is None else "exact"
        return Plan(method, EVALUATIONS, with_trust)
    affordable = _count_affordable(question, budget, start)
    left_out = _NO_TRUST.format(budget) if with_trust else ""
    spare = _estimate_trust_cost(question) if with_trust else 0.0
    for name, measures, cost in _list_candidates(question, method):
        left = affordable - spare * measures
        evaluations = max(int(left), EVALUATIONS if method == AUTO else math.ceil(cost))
        if left >= cost:
            return Plan(name, evaluations, measures and with_trust, "" if measures else left_out)
    words = max(int((affordable - 1.0) / ALONE), 1)  # the runs are about as long as the text together
    if method == AUTO and words < len(question):
        said, joined = "neighbouring words are explained together", words
    else:
        said, joined = f"the method {name} takes longer", None
    warning = f"{_OVER.format(budget, said)} {left_out}".rstrip()
    return Plan(name, evaluations, with_trust=False, warning=warning, words=joined)


def _list_candidates(question: Question, method: str) -> list[tuple[str, bool, float]]:
    """Return methods, with figures of trust or without, and their costs, the best one first."""
    if method != AUTO or question.contributions is not None:
        wanted = [("exact" if method == AUTO else method, with_trust) for with_trust in (True, False)]
    else:
        wanted = [
            ("partition", True), ("contexts", True), ("occlusion", True), ("contexts", False), ("occlusion", False),
            ("alone", False),
        ]  # fmt: skip
    size = (len(question), len(question.wanted or ()))
    costs = {name: explainers[name].cost(*size) for name, _ in wanted}
    if method == AUTO and "partition" in costs:  # with fewer variants, its weights are less faithful than `contexts`
        costs["partition"] = HALF * EVALUATIONS
    return [(name, with_trust, costs[name]) for name, with_trust in wanted]


def _count_affordable(question: Question, budget: float, start: float) -> float:
    """Return how many more readings of the text fit into `budget` milliseconds, from the time of a few of them."""
    probe = ~np.eye(len(question), dtype=bool)[: min(4, len(question))]
    before = time.perf_counter()
    question.logits(probe)
    each = (time.perf_counter() - before) * 1000 / len(probe)
    left = budget - (time.perf_counter() - start) * 1000
    return max(left / max(each, 1e-3), 0.0)


def _estimate_trust_cost(question: Question) -> float:
    """Return the cost of the figures of `Trust`: a second method, no words, and half of the words on average."""
    return len(question) + 2 + HALF * 2 * len(SHARES) * len(question.wanted or ())
