"""`compute_ngram_contributions`: what each n-gram of a text adds to the logits of a `linear` model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from insula.models.networks.contributions import Contributions
from insula.models.networks.ngram_tfidf import WORD

if TYPE_CHECKING:
    from insula.models.networks.linear import LinearModel

NgramMatch = tuple[int, int, int]  # feature, start, end


def compute_ngram_contributions(model: LinearModel, text: str) -> Contributions:
    """Return one piece for each position in the prepared `text` with an n-gram of the vocabulary.

    A feature that occurs several times shares its contribution equally among its places; the sum is exact.
    """
    row = model.featurizer([text])  # with sorted indices
    added = row.data[:, None].astype(np.float64) * model.coefficients[:, row.indices].T
    found = np.array(list(_iterate_places(model, text)), dtype=np.int64).reshape(-1, 3)
    places = np.searchsorted(row.indices, found[:, 0])
    counted = np.append(row.indices, -1)[places] == found[:, 0]  # a letter that changes its length may add others
    found, places = found[counted], places[counted]
    times = np.bincount(places, minlength=len(added))
    return Contributions(found[:, 1:], added[places] / times[places, None], model.intercepts.astype(np.float64))


def _iterate_places(model: LinearModel, text: str) -> Iterator[NgramMatch]:
    """Yield the features of `text` with their positions, as the model counts them."""
    features, words, characters = model.featurizer.features, model.featurizer.words, model.featurizer.characters
    lowered = text.lower()
    text = lowered if len(lowered) == len(text) else text  # a few letters change their length
    tokens = [(match.group(), *match.span()) for match in re.finditer(WORD, text)]
    for size in range(features.word[0], features.word[1] + 1):
        for first in range(len(tokens) - size + 1):
            gram = tokens[first : first + size]
            feature = words.vocabulary.get(" ".join(token for token, _, _ in gram))
            if feature is not None:
                yield feature, gram[0][1], gram[-1][2]
    offset = len(words.vocabulary)
    for run, places in _iterate_runs(text, within_words=features.within_words):
        for size in range(features.char[0], features.char[1] + 1):
            if len(run) < size and not features.within_words:
                break
            for first in range(max(len(run) - size + 1, 1)):
                feature = characters.vocabulary.get(run[first : first + size])
                if feature is not None:
                    some = places[first : first + size]
                    yield offset + feature, some[0], some[-1] + 1
            if len(run) <= size and features.within_words:  # a short word is counted once
                break


def _iterate_runs(text: str, *, within_words: bool) -> Iterator[tuple[str, list[int]]]:
    """Yield the strings that character n-grams cover, with the position in `text` of each character."""
    if within_words:
        for match in re.finditer(r"\S+", text):
            start, end = match.span()
            yield f" {match.group()} ", [start, *range(start, end), end - 1]
        return
    pieces = [(match.group(), match.start()) for match in re.finditer(r"\S|[^\S ]+", text)]
    yield "".join(" " if len(piece) > 1 else piece for piece, _ in pieces), [start for _, start in pieces]
