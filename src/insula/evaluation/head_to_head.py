"""Compare two sides on the same labelled examples: by metric, label and slice, with examples where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from insula.core.arrays import Float64Array
from insula.core.decision import Decisions
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.core.sentences import shorten
from insula.evaluation.compare import compare
from insula.evaluation.comparison_document import (
    ComparedExample,
    ComparedExamples,
    HeadToHead,
    LabelDifference,
    SliceDifference,
)
from insula.evaluation.metrics.metric_names import get_headline_metric
from insula.evaluation.metrics.slices import group_rows_by_slice, name_length
from insula.text.language import detect_language

MAX_EXAMPLES = 12
MAX_GROUPS = 30
MAX_CHARACTERS = 300


def compare_head_to_head(
    scheme: LabelScheme,
    examples: Sequence[Example],
    gold: Float64Array,
    a: Sequence[Decisions],
    b: Sequence[Decisions],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> HeadToHead:
    """Return the comparison of two sides' decisions; a side is one model or several seeds of it.

    gold   (rows, labels) of the examples, as `core.targets.build_gold_matrix`

    Slices have at least 30 rows. `only_a` and `only_b` are rows that all models of one side and none of the other
    predict correctly, the most confident first; dimensional: rows on which one side is closer to gold.
    """
    name = get_headline_metric(scheme.kind)
    sides = [[one.answers(scheme) for one in side] for side in (a, b)]
    found = compare(scheme, gold, *sides, resamples=resamples, seed=seed)
    support = gold.sum(axis=0) if scheme.is_categorical else np.full(len(scheme.names), len(gold))

    def compare_slices(names: Sequence[str | None]) -> list[SliceDifference]:
        found = []
        for slice_name, rows in group_rows_by_slice(names):
            of_rows = [[one[rows] for one in side] for side in sides]
            on_slice = compare(scheme, gold[rows], *of_rows, resamples=resamples, seed=seed).metrics[name]
            found.append(
                SliceDifference(
                    name=slice_name, rows=len(rows), a=on_slice.a, b=on_slice.b, difference=on_slice.difference
                )
            )
        return found

    languages = [example.language or detect_language(example.text) for example in examples]
    lengths = [name_length(one.text, language) for one, language in zip(examples, languages, strict=True)]
    groups = compare_slices([example.group for example in examples])
    return HeadToHead(
        headline=name,
        rows=found.rows,
        metrics=found.metrics,
        by_name={
            label: LabelDifference(a=one.a, b=one.b, difference=one.difference, support=int(rows))
            for (label, one), rows in zip(found.by_name.items(), support, strict=True)
        },
        mcnemar=found.mcnemar,
        slices={
            "length": compare_slices(lengths),
            "language": compare_slices(languages),
            "group": sorted(groups, key=lambda one: -one.rows)[:MAX_GROUPS],
        },
        examples=_choose_examples(scheme, examples, gold, a, b),
    )


def _choose_examples(
    scheme: LabelScheme, examples: Sequence[Example], gold: Float64Array, a: Sequence[Decisions], b: Sequence[Decisions]
) -> ComparedExamples:
    if scheme.is_categorical:
        right_a, right_b = (np.array([(one.chosen == (gold > 0)).all(axis=1) for one in side]) for side in (a, b))
        only_a = _sort_by_confidence(right_a.all(axis=0) & ~right_b.any(axis=0), a)
        only_b = _sort_by_confidence(right_b.all(axis=0) & ~right_a.any(axis=0), b)
    else:
        error_a, error_b = (
            np.mean([np.abs(one.scores - gold).mean(axis=1) for one in side], axis=0) for side in (a, b)
        )
        only_a, only_b = _find_largest(error_b - error_a), _find_largest(error_a - error_b)

    def list_examples(rows: Sequence[int], right: Sequence[Decisions]) -> list[ComparedExample]:
        return [
            ComparedExample(
                text=shorten(examples[row].text, MAX_CHARACTERS),
                gold=_list_answer(scheme, gold[row] > 0, gold[row]),
                a=_list_answer(scheme, a[0].chosen[row], a[0].scores[row]),
                b=_list_answer(scheme, b[0].chosen[row], b[0].scores[row]),
                confidence=_get_confidence(right[0], row),
            )
            for row in rows[:MAX_EXAMPLES]
        ]

    return ComparedExamples(only_a=list_examples(only_a, a), only_b=list_examples(only_b, b))


def _find_largest(gain: Float64Array) -> list[int]:
    return [int(row) for row in np.argsort(-gain, kind="stable") if gain[row] > 0]


def _sort_by_confidence(rows: Any, right: Sequence[Decisions]) -> list[int]:
    confidence = right[0].confidence
    places = np.flatnonzero(rows)
    if confidence is not None:
        places = places[np.argsort(-confidence[places], kind="stable")]
    return [int(row) for row in places]


def _get_confidence(decisions: Decisions, row: int) -> float | None:
    return None if decisions.confidence is None else float(decisions.confidence[row])


def _list_answer(scheme: LabelScheme, chosen: Any, scores: Any) -> list[str]:
    if scheme.is_categorical:
        return [name for name, given in zip(scheme.names, chosen, strict=True) if given]
    return [f"{name} {value:.2f}" for name, value in zip(scheme.names, scores, strict=True)]
