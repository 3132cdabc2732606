"""Occlusion in small contexts: if only one word is removed, words with the same meaning hide each other.

The weight of a word is a weighted mean of what it adds to no words at all, to the most important words alone, and to
the text without them. The last shows a word that another one covers for ("glad, so glad"), which occlusion does not
see. Each is a term of the Shapley value, which averages over all contexts; most of these texts are short.
"""

from __future__ import annotations

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.explanation.explainers import Explainer
from insula.explanation.masked_predictor import MaskedPredictor
from insula.explanation.methods.alone import COST as ALONE
from insula.explanation.methods.alone import explain_by_single_words

SHARE = 0.3
"""Share of the words that are the most important ones, by their evidence alone."""
NOTHING, TOP, REST = 0.25, 0.25, 0.5
"""Weight of each context."""


def explain_by_contexts(masked: MaskedPredictor, evaluations: int) -> Float64Array:
    """Return the mean weight of each word in three contexts.

    Columns that are not wanted are NaN, since each has most important words of its own. The last column of
    a multi-label model, its decision as a whole, is weighed with the most important words of the first wanted label.
    """
    alone = explain_by_single_words(masked, evaluations)
    if len(masked) == 1:
        return alone
    wanted = list(range(alone.shape[1]) if masked.wanted is None else masked.wanted)
    tops = [_select_top(alone[:, column]) for column in wanted]
    if masked.wanted and alone.shape[1] > len(masked.predictor.scheme.names):
        wanted.append(alone.shape[1] - 1)
        tops.append(tops[0])
    masked.logits(np.concatenate([_toggle_each_word(part) for top in tops for part in (top, ~top)]))  # all in one batch
    weights = np.full_like(alone, np.nan)
    for column, top in zip(wanted, tops, strict=True):
        among, without = (_compute_context_weights(masked, part)[:, column] for part in (top, ~top))
        weights[:, column] = NOTHING * alone[:, column] + TOP * among + REST * without
    return weights


def _select_top(weights: Float64Array) -> BoolArray:
    """Return (words,): those with the highest weights, at least one, and not all of them."""
    count = max(round(SHARE * len(weights)), 1)
    top = np.zeros(len(weights), dtype=bool)
    top[np.argsort(-weights, kind="stable")[:count]] = True
    return top


def _toggle_each_word(context: BoolArray) -> BoolArray:
    """Return (1 + words, words): the context, then for each word the context with that word changed."""
    return np.concatenate([context[None], context[None] ^ np.eye(len(context), dtype=bool)])


def _compute_context_weights(masked: MaskedPredictor, context: BoolArray) -> Float64Array:
    """Return the (words, columns) evidence that each word adds to the other words of the context."""
    evidence = masked.evidence(_toggle_each_word(context))
    gains: Float64Array = np.where(context[:, None], evidence[0] - evidence[1:], evidence[1:] - evidence[0])
    return gains


# Alone a word is short; each label has a context of its most important words and one of the others.
EXPLAINER = Explainer(explain_by_contexts, lambda words, labels: (ALONE + 1.2 * labels) * (words + 1))
