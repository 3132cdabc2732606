"""`explain_input`: one text to one explanation, by the method that fits the model and the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from insula.core.arrays import Float64Array
from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.model_input import TextOrInput
from insula.core.prediction import Prediction
from insula.explanation.explainers import explainers
from insula.explanation.explanation import Explanation, Faithfulness
from insula.explanation.faithfulness import measure_faithfulness
from insula.explanation.masked_predictor import MaskedPredictor
from insula.explanation.notes import add_notes
from insula.explanation.plan import AUTO, choose_plan
from insula.inference.predictor import Predictor


def explain_input(
    predictor: Predictor,
    given: TextOrInput,
    *,
    method: str = AUTO,
    labels: Sequence[str] = (),
    budget: float | None = None,
    with_faithfulness: bool = True,
    seed: int = 0,
    pause: Callable[[], None] | None = None,
) -> Explanation:
    """Return the contribution of each word of a text to its prediction.

    method      a name in `explainers`; `auto`: `exact` where the model is a sum over words, else `contexts`
    labels      whose weights are given; the decided ones where not given, or the one with the highest score
    budget      milliseconds; the most faithful method that fits is taken, with its `Faithfulness` if that fits too
    pause       called before each few variants of the text, such as to yield to other work; it may raise
    with_faithfulness  whether `Faithfulness` is measured, which takes more variants of the text

    Raises `DataError` for a text without words and for `exact` where the model is no sum, `UnknownNameError` for
    another method or label.
    """
    start = time.perf_counter()
    masked = MaskedPredictor(predictor, given, seed=seed, pause=pause)
    truncated = predictor.truncated(predictor.encode([given]))
    prediction = predictor.answer([given], masked.logits(masked.keep_all()), truncated)[0]
    columns = _find_columns(predictor, prediction, labels)
    masked.wanted = tuple(columns.values())
    plan = choose_plan(masked, method, budget, start, with_faithfulness=with_faithfulness)
    name = plan.method
    if plan.words is not None:
        masked = masked.join_words(plan.words)
    weights = explainers[name].weigh(masked, plan.evaluations)
    figures, compared = _measure_faithfulness(masked, name, weights, columns) if plan.with_faithfulness else ({}, None)
    has_decision = weights.shape[1] > len(predictor.scheme.names) and not np.isnan(weights[:, -1]).any()
    return Explanation(
        prediction=prediction,
        method=name,
        words=add_notes(masked.words, given, predictor.rules),
        weights={label: tuple(weights[:, column].tolist()) for label, column in columns.items()},
        decision=tuple(weights[:, -1].tolist()) if has_decision else None,
        faithfulness=figures,
        compared_with=compared,
        warning=" ".join(filter(None, (explainers[name].warning, plan.warning))),
        evaluations=masked.evaluations,
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


def _measure_faithfulness(
    masked: MaskedPredictor, name: str, weights: Float64Array, columns: dict[str, int]
) -> tuple[dict[str, Faithfulness], str]:
    """Return the figures of each label, and the method that the weights were compared with."""
    second = "surrogate" if name == "occlusion" else "occlusion"
    compared = explainers[second].weigh(masked, len(masked) + 2)
    return {
        label: measure_faithfulness(masked, weights[:, column], column, compared[:, column])
        for label, column in columns.items()
    }, second
