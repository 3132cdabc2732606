"""`explain_input`: one text to one explanation, by the method that fits the model and the budget."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from insula.core.arrays import Float64Array
from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.model_input import TextOrInput
from insula.core.prediction import Prediction
from insula.explanation.explainers import explainers
from insula.explanation.explanation import Explanation, Trust
from insula.explanation.faithfulness import SHARES, measure_trust
from insula.explanation.methods.alone import COST as ALONE
from insula.explanation.notes import add_notes
from insula.explanation.question import Question
from insula.inference.predictor import Predictor

AUTO = "auto"
HALF = 0.5  # cost of a variant with half of the words, against the whole text
EVALUATIONS = 300  # variants of a text that `partition` and `surrogate` compute at most
_NO_TRUST = "The budget of {:g} ms left no time to measure how faithful the explanation is."
_OVER = "The budget of {:g} ms is too small for this text: {}."


def explain_input(
    predictor: Predictor,
    given: TextOrInput,
    *,
    method: str = AUTO,
    labels: Sequence[str] = (),
    budget: float | None = None,
    with_trust: bool = True,
    seed: int = 0,
    pause: Callable[[], None] | None = None,
) -> Explanation:
    """Return the contribution of each word of a text to its prediction.

    method      a name in `explainers`; `auto`: `exact` where the model is a sum over words, else `contexts`
    labels      whose weights are given; the decided ones where not given, or the one with the highest score
    budget      milliseconds; the most faithful method that fits is taken, with figures of `Trust` if they fit too
    pause       called before each few variants of the text, such as to yield to other work; it may raise
    with_trust  whether the figures of `Trust` are computed, which takes more variants of the text

    Raises `DataError` for a text without words and for `exact` where the model is no sum, `UnknownNameError` for
    another method or label.
    """
    start = time.perf_counter()
    question = Question(predictor, given, seed=seed, pause=pause)
    truncated = predictor.truncated(predictor.encode([given]))
    prediction = predictor.answer([given], question.logits(question.everything()), truncated)[0]
    columns = _find_columns(predictor, prediction, labels)
    question.wanted = tuple(columns.values())
    spare = _estimate_trust_cost(question, columns) if with_trust else None
    plan = _choose_plan(question, method, budget, start, spare)
    name = plan.method
    if plan.words is not None:
        question = question.join_words(plan.words)
    weights = explainers[name].weigh(question, plan.evaluations)
    measures = with_trust and plan.with_trust
    figures, compared = _measure_trust(question, name, weights, columns) if measures else ({}, None)
    has_decision = weights.shape[1] > len(predictor.scheme.names) and not np.isnan(weights[:, -1]).any()
    return Explanation(
        prediction=prediction,
        method=name,
        words=add_notes(question.words, given, predictor.rules),
        weights={label: tuple(weights[:, column].tolist()) for label, column in columns.items()},
        decision=tuple(weights[:, -1].tolist()) if has_decision else None,
        trust=figures,
        compared_with=compared,
        warning=" ".join(filter(None, (explainers[name].warning, plan.warning))),
        evaluations=question.evaluations,
        milliseconds=(time.perf_counter() - start) * 1000,
    )


def _find_columns(predictor: Predictor, prediction: Prediction, labels: Sequence[str]) -> dict[str, int]:
    """Return the labels to explain, with their positions in the scheme."""
    names = predictor.scheme.names
    check_labels(labels, names)
    if not predictor.scheme.is_categorical:
        chosen = labels or names
    else:
        chosen = labels or prediction.labels or [max(prediction.scores, key=lambda name: prediction.scores[name])]
    return {label: names.index(label) for label in chosen}


def check_labels(labels: Sequence[str], names: Sequence[str]) -> None:
    """Raise `DataError` for a label that is not one of the names."""
    for label in labels:
        if label not in names:
            raise DataError(
                f"A label to explain must be one of {', '.join(names)}. Got {label!r}.{suggest(label, names, CHOOSE)}"
            )


class _Plan(NamedTuple):
    """A method that fits the budget, how many variants of the text it may compute, and whether to measure trust.

    warning  what was left out
    words    into how many runs neighbouring words are joined, if there is no time for single words
    """

    method: str
    evaluations: int
    with_trust: bool = True
    warning: str = ""
    words: int | None = None


def _choose_plan(question: Question, method: str, budget: float | None, start: float, spare: float | None) -> _Plan:
    """Return the plan for a method or `auto`, if measures of trust cost `spare` readings of the text, None without."""
    if method != AUTO:
        explainers[method]  # raises for a name that is not known
    if budget is None:
        return _Plan(_choose_unlimited(question) if method == AUTO else method, EVALUATIONS)
    affordable = _count_affordable(question, budget, start)
    for name, with_trust, cost in _list_candidates(question, method):
        left = affordable - (spare or 0.0) * with_trust
        evaluations = max(int(left), EVALUATIONS if method == AUTO else math.ceil(cost))
        if left >= cost:
            return _Plan(name, evaluations, with_trust, "" if with_trust or spare is None else _NO_TRUST.format(budget))
    words = max(int((affordable - 1.0) / ALONE), 1)  # the runs are about as long as the text together
    if method != AUTO or words >= len(question):
        said, joined = _OVER.format(budget, f"the method {name} takes longer"), None
    else:
        said, joined = _OVER.format(budget, "neighbouring words are explained together"), words
    if spare is not None:
        said += f" {_NO_TRUST.format(budget)}"
    return _Plan(name, evaluations, with_trust=False, warning=said, words=joined)


def _choose_unlimited(question: Question) -> str:
    return "contexts" if question.contributions is None else "exact"


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


def _estimate_trust_cost(question: Question, columns: dict[str, int]) -> float:
    """Return the cost of `_measure_trust`: the second method, no words, and half of the words on average."""
    return len(question) + 2 + HALF * 2 * len(SHARES) * len(columns)


def _measure_trust(
    question: Question, name: str, weights: Float64Array, columns: dict[str, int]
) -> tuple[dict[str, Trust], str]:
    """Return the figures of each label, and the method that the weights were compared with."""
    second = "surrogate" if name == "occlusion" else "occlusion"
    compared = explainers[second].weigh(question, len(question) + 2)
    return {
        label: measure_trust(question, weights[:, column], column, compared[:, column])
        for label, column in columns.items()
    }, second
