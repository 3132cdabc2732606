"""Coarser levels of a scheme, computed from its scores so that all levels agree: 28 labels, 7 groups, 4 sentiments.

(These are the numbers of GoEmotions, with neutral at each level.) A level has no head of its own; the loss term
`training.loss_terms.levels` trains the labels' head at every level.

A level is one of the scheme's `mappings`. For mutually exclusive labels, the probability of a parent is the sum of its
children's. For multi-label schemes, a parent is predicted if any child is, and its score is the largest score of its
children: this assumes no independence, never ranks a parent below a child, and gives the same result from the labels
and from an intermediate level. The predicted parents are those of the predicted labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.builtin_schemes import find_chinese_names
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme


@dataclass(frozen=True)
class Level:
    """One coarser level.

    scheme    its labels, in the order in which the finer labels map to them; single or multi
    children  (labels, parents) bool: whether a label belongs to a parent
    """

    scheme: LabelScheme
    children: NDArray[np.bool_]

    def compute_scores(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return (rows, parents) scores from (rows, labels) scores."""
        exact: NDArray[np.float64] = np.asarray(scores, dtype=np.float64)
        if self.scheme.kind != "multi":
            summed: NDArray[np.float64] = exact @ self.children
            return summed
        return np.stack([exact[:, column].max(axis=1) for column in self.children.T], axis=1)

    def choose_parents(self, chosen: NDArray[Any]) -> NDArray[np.bool_]:
        """Return the (rows, parents) predicted parents of the (rows, labels) predicted labels."""
        held: NDArray[np.bool_] = (np.asarray(chosen, dtype=bool).astype(np.int64) @ self.children) > 0
        return held


def find_levels(scheme: LabelScheme) -> dict[str, Level]:
    """Return the levels of a categorical scheme by the name of their mapping, finest first.

    A mapping is not a level if it has a single parent, if it only renames the labels, or, for mutually exclusive
    labels, if it leaves out a label (a row could have no parent).
    """
    found = {}
    for name, table in scheme.mappings.items() if scheme.is_categorical else ():
        parents = tuple(dict.fromkeys(table[label] for label in scheme.names if label in table))
        covered = all(label in table for label in scheme.names)
        if not 2 <= len(parents) < len(scheme.names) or (scheme.kind != "multi" and not covered):
            continue
        kind = "multi" if scheme.kind == "multi" else "single"
        children = np.array([[table.get(label) == parent for parent in parents] for label in scheme.names])
        parent_scheme = LabelScheme(name, kind, parents, display=find_chinese_names(parents))  # type: ignore[arg-type]
        found[name] = Level(parent_scheme, children)
    return dict(sorted(found.items(), key=lambda item: -len(item[1].scheme.names)))


def compute_level_predictions(
    scheme: LabelScheme, prediction: Prediction, digits: int = 6
) -> dict[str, Mapping[str, Any]]:
    """Return a prediction at every level: level name to `labels` and `scores` (rounded to `digits`)."""
    scores = np.array([[prediction.scores[name] for name in scheme.names]])
    answers: dict[str, Mapping[str, Any]] = {}
    for name, level in find_levels(scheme).items():
        answers[name] = {
            "labels": list(scheme.coarsen(prediction.labels, name)),
            "scores": {
                parent: round(score, digits)
                for parent, score in zip(level.scheme.names, level.compute_scores(scores)[0].tolist(), strict=True)
            },
        }
    return answers
