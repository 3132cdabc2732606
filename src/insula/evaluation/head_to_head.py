"""Two sides on the same labelled examples: by metric, label and slice, with examples that only one side has right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from insula.core.arrays import Float64Array, Int64Array
from insula.core.decision import Decisions
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.core.sentences import shortened
from insula.evaluation.compare import compare
from insula.evaluation.metrics.metric_names import headline_metric
from insula.evaluation.metrics.slices import length_name, rows_by_slice
from insula.text.language import tell

MOST_EXAMPLES = 12
MOST_GROUPS = 30
LONGEST = 300


def head_to_head(
    scheme: LabelScheme,
    examples: Sequence[Example],
    gold: Float64Array,
    a: Sequence[Decisions],
    b: Sequence[Decisions],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Return what stands in `compare.json` of two sides' decisions, each side one model or several seeds of it.

    gold   (rows, labels) of the examples, as `core.targets.gold_matrix`

    headline, rows   what stands for all; how many rows were judged
    metrics          name to a, b, and b - a with its interval
    by_name          the same for each label's F1 or each dimension's Pearson correlation, with `support`
    mcnemar          None for dimensional schemes and several seeds
    slices           the headline by length, language, group, for those of at least 30 rows
    examples         `only_a`, `only_b`: rows that all models of one side have right and none of the other, the most
                     confident first; dimensional: where one side is nearer to gold by most
    """
    name = headline_metric(scheme.kind)
    dimensional = scheme.kind == "dimensional"
    sides = [[one.scores if dimensional else one.chosen for one in side] for side in (a, b)]
    found = compare(scheme, gold, *sides, resamples=resamples, seed=seed).to_dict()
    for label, support in zip(scheme.names, gold.sum(axis=0), strict=True):
        found["by_name"][label]["support"] = len(gold) if dimensional else int(support)

    def by_slice(names: Sequence[str | None]) -> list[dict[str, Any]]:
        return [
            {"name": part, "rows": len(rows), **_on_rows(scheme, gold, sides, rows, name, resamples, seed)}
            for part, rows in rows_by_slice(names)
        ]

    languages = [example.language or tell(example.text) for example in examples]
    lengths = [length_name(one.text, language) for one, language in zip(examples, languages, strict=True)]
    groups = by_slice([example.group for example in examples])
    return {
        "headline": name,
        **found,
        "slices": {
            "length": by_slice(lengths),
            "language": by_slice(languages),
            "group": sorted(groups, key=lambda part: -part["rows"])[:MOST_GROUPS],
        },
        "examples": _examples(scheme, examples, gold, a, b),
    }


def _on_rows(
    scheme: LabelScheme,
    gold: Float64Array,
    sides: list[list[Any]],
    rows: Int64Array,
    name: str,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    parts = [[one[rows] for one in side] for side in sides]
    return compare(scheme, gold[rows], *parts, resamples=resamples, seed=seed).metrics[name].to_dict()


def _examples(
    scheme: LabelScheme, examples: Sequence[Example], gold: Float64Array, a: Sequence[Decisions], b: Sequence[Decisions]
) -> dict[str, list[dict[str, Any]]]:
    if scheme.kind == "dimensional":
        error_a, error_b = (
            np.mean([np.abs(one.scores - gold).mean(axis=1) for one in side], axis=0) for side in (a, b)
        )
        gains = {"only_a": error_b - error_a, "only_b": error_a - error_b}
        chosen = {side: [int(row) for row in np.argsort(-gain, kind="stable") if gain[row] > 0] for side, gain in
                  gains.items()}  # fmt: skip
    else:
        right_a, right_b = (np.array([(one.chosen == (gold > 0)).all(axis=1) for one in side]) for side in (a, b))
        chosen = {
            "only_a": _surest(right_a.all(axis=0) & ~right_b.any(axis=0), a),
            "only_b": _surest(right_b.all(axis=0) & ~right_a.any(axis=0), b),
        }
    return {
        side: [
            {
                "text": shortened(examples[row].text, LONGEST),
                "gold": _answer(scheme, gold[row] > 0, gold[row]),
                "a": _answer(scheme, a[0].chosen[row], a[0].scores[row]),
                "b": _answer(scheme, b[0].chosen[row], b[0].scores[row]),
                "confidence": _confidence((a if side == "only_a" else b)[0], row),
            }
            for row in rows[:MOST_EXAMPLES]
        ]
        for side, rows in chosen.items()
    }


def _surest(rows: Any, right: Sequence[Decisions]) -> list[int]:
    confidence = right[0].confidence
    places = np.flatnonzero(rows)
    if confidence is not None:
        places = places[np.argsort(-confidence[places], kind="stable")]
    return [int(row) for row in places]


def _confidence(decisions: Decisions, row: int) -> float | None:
    return None if decisions.confidence is None else float(decisions.confidence[row])


def _answer(scheme: LabelScheme, chosen: Any, scores: Any) -> list[Any]:
    if scheme.kind == "dimensional":
        return [f"{name} {value:.2f}" for name, value in zip(scheme.names, scores, strict=True)]
    return [name for name, given in zip(scheme.names, chosen, strict=True) if given]
