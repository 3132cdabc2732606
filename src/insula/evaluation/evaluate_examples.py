"""`evaluate_examples`: measure decisions on labelled examples, in a run and in `insula evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from insula.core.arrays import Float64Array
from insula.core.decision import DecisionRule, Decisions
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.evaluation.evaluate import evaluate
from insula.evaluation.result import Evaluation
from insula.text.language import detect_language


def evaluate_examples(
    scheme: LabelScheme,
    examples: Sequence[Example],
    gold: Float64Array,
    decisions: Decisions,
    rule: DecisionRule,
    *,
    seen: Any,
    resamples: int,
    seed: int,
) -> Evaluation:
    """Measure the decisions of a rule on examples.

    gold   (rows, labels) of the examples, as `core.targets.build_gold_matrix`
    seen   (rows,) bool, rows whose text is in the training data

    The language of an example without one is detected. Raises `DataError` where shapes or values contradict the scheme.
    """
    return evaluate(
        scheme,
        gold,
        decisions.scores,
        decisions.chosen,
        texts=[example.text for example in examples],
        languages=[example.language or detect_language(example.text) for example in examples],
        confidence=decisions.confidence,
        abstained=decisions.abstained,
        seen=seen,
        thresholds=rule.thresholds if scheme.kind == "multi" and rule.thresholds else None,
        abstention_threshold=rule.abstention,
        resamples=resamples,
        seed=seed,
    )
