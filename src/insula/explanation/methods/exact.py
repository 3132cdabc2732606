"""Exact contributions: for models whose logits are a sum over pieces of the text (`linear`, `static`)."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import Float64Array, Int64Array
from insula.core.errors import DataError
from insula.explanation.explainers import Explainer
from insula.explanation.masked_predictor import MaskedPredictor

PORTION = 4096  # pieces at a time, so that a very long text takes little memory


def explain_exactly(masked: MaskedPredictor, evaluations: int) -> Float64Array:
    """Return the contribution of each word to the evidence: the sum of its pieces' contributions, without sampling.

    An n-gram over several words is shared among them by its characters. Raises `DataError` where the model is not such
    a sum.
    """
    found = masked.contributions
    if found is None:
        raise DataError(
            "The method 'exact' is for models whose logits are a sum over words: 'linear', and 'static' without a "
            "hidden layer. Use 'occlusion' or 'partition' for this model."
        )
    owners = map_characters_to_words(masked, masked.prepared)
    before = np.zeros((len(owners) + 1, len(masked)), dtype=np.int32)  # characters of each word before each place
    np.cumsum(owners[:, None] == np.arange(len(masked)), axis=0, out=before[1:])
    weights = np.zeros((len(masked), found.weights.shape[1]))
    for first in range(0, len(found.spans), PORTION):
        starts, ends = found.spans[first : first + PORTION].T
        owned = before[ends] - before[starts]
        shares = owned / np.maximum(owned.sum(axis=1, keepdims=True), 1)
        weights += shares.T @ found.weights[first : first + PORTION]
    if masked.decided is not None:  # the log probability of the whole decision is no such sum
        weights = np.column_stack([weights, np.full(len(masked), np.nan)])
    return weights


def map_characters_to_words(masked: MaskedPredictor, prepared: str) -> Int64Array:
    """Return (characters,) the word that each character of the prepared text comes from; -1 for none.

    Every word is prepared by itself and looked for behind the one before it: the steps that change more than a word at
    a time (segmentation, white space) do not reorder words.
    """
    owners = np.full(len(prepared), -1, dtype=np.int64)
    position = 0
    for number, word in enumerate(masked.words):
        alone = masked.predictor.preparation(word.text).strip()
        start = prepared.find(alone, position) if alone else -1
        if start < 0:
            continue
        owners[start : start + len(alone)] = number
        position = start + len(alone)
    last = -1  # what no word was found in belongs to the word before it
    for place in range(len(prepared)):
        if owners[place] >= 0:
            last = owners[place]
        elif not prepared[place].isspace():
            owners[place] = max(last, 0)
    return owners


EXPLAINER = Explainer(explain_exactly, lambda words, labels: 0)
