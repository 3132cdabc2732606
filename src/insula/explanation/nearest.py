"""`NearestFinder`: the training rows that are most similar to a text, and whether they support its prediction.

Similarity times support is a cheap stand-in for influence functions (Koh and Liang 2017): it does not measure what the
model would predict without the row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse

from insula.core.arrays import Float64Array
from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.model_input import TextOrInput, check_texts
from insula.core.prediction import Prediction
from insula.core.sentences import pluralise, shorten
from insula.inference.backends import FeatureBackend
from insula.inference.predictor import Predictor
from insula.models.networks.linear import Featurizer, NgramFeatures

OWN, TFIDF = "the model's own features", "TF-IDF features of the rows"
SHOWN_CHARACTERS = 160  # of a row in a terminal


@dataclass(frozen=True, slots=True)
class NearestExample:
    """A training row near a text.

    text, labels  the row
    similarity    cosine of its features with those of the text, -1 to 1
    influence     the similarity, negative if the row does not have the explained label: an indication, not the effect
                  of training without the row
    """

    text: str
    labels: tuple[str, ...]
    similarity: float
    influence: float

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "text": self.text,
            "labels": list(self.labels),
            "similarity": round(self.similarity, digits),
            "influence": round(self.influence, digits),
        }


@dataclass(frozen=True)
class NearestExamples:
    """The training rows nearest to a text.

    prediction  what the model predicts for the text
    label       the explained label: the predicted one with the highest score
    supporting  rows with this label, the most similar first
    opposing    rows without it, the most similar first
    features    what the similarity is computed from
    rows        number of training rows
    """

    prediction: Prediction
    label: str
    supporting: tuple[NearestExample, ...]
    opposing: tuple[NearestExample, ...]
    features: str
    rows: int

    def to_dict(self, digits: int = 6) -> dict[str, Any]:
        """Return plain JSON types: the prediction's own keys, then the rows under `nearest`."""
        nearest = {
            "label": self.label,
            "supporting": [one.to_dict(digits) for one in self.supporting],
            "opposing": [one.to_dict(digits) for one in self.opposing],
            "features": self.features,
            "rows": self.rows,
        }
        return {**self.prediction.to_dict(digits), "nearest": nearest}


class NearestFinder:
    """The features of training rows, to which texts are compared.

    rows  labelled training rows

    Raises `DataError` for a model without labels and without rows.
    """

    def __init__(self, predictor: Predictor, rows: Sequence[Example]) -> None:
        if not predictor.scheme.is_categorical:
            raise DataError(
                "The nearest training rows support or oppose a label. Got a model that predicts values. Use a model "
                "that predicts labels."
            )
        self.rows = [row for row in rows if row.labels is not None]
        if not self.rows:
            raise DataError(
                "The nearest training rows need labelled rows. Got none. Pass the training file with --data."
            )
        self.predictor = predictor
        inputs = [row.input for row in self.rows]
        prepared = predictor.prepared(inputs)
        backend = predictor.backend
        self._featurizer: Featurizer | None = None
        if isinstance(backend, FeatureBackend) and all(isinstance(one, str) for one in prepared):
            self.features = OWN
            found: Any = backend.features(prepared)
        else:
            self.features = TFIDF
            self._featurizer, found = Featurizer.fit(NgramFeatures(), [row.text for row in self.rows])
        self._matrix = _normalise(found)

    def find(self, given: TextOrInput, *, count: int = 5) -> NearestExamples:
        """Return at most `count` rows of each side; `DataError` for an empty text."""
        check_texts([given])
        prediction = self.predictor.predict([given])[0]
        label = prediction.label or max(prediction.scores, key=lambda name: prediction.scores[name])
        if self._featurizer is None:
            found: Any = self.predictor.backend.features(self.predictor.prepared([given]))  # type: ignore[attr-defined]
        else:
            found = self._featurizer([prediction.text])
        product = self._matrix @ _normalise(found).T
        similarity = np.asarray(product.todense() if issparse(product) else product, dtype=np.float64).ravel()
        has = np.array([label in (row.labels or ()) for row in self.rows])
        return NearestExamples(
            prediction=prediction,
            label=label,
            supporting=self._select(similarity, has, 1.0, count),
            opposing=self._select(similarity, ~has, -1.0, count),
            features=self.features,
            rows=len(self.rows),
        )

    def _select(self, similarity: Float64Array, side: Any, sign: float, count: int) -> tuple[NearestExample, ...]:
        places = np.flatnonzero(side)
        chosen = places[np.argsort(-similarity[places], kind="stable")][:count].tolist()
        return tuple(
            NearestExample(
                self.rows[place].text,
                tuple(self.rows[place].labels or ()),
                float(similarity[place]),
                sign * float(similarity[place]),
            )
            for place in chosen
        )


def format_nearest(found: NearestExamples) -> Iterator[str]:
    """Yield lines for a terminal: the prediction, the rows that support it, the rows that oppose it."""
    score = found.prediction.scores[found.label]
    yield f"{found.label} {score:.2f}  {' '.join(found.prediction.text.split())}"
    for title, rows in (("support", found.supporting), ("oppose", found.opposing)):
        yield f"nearest rows that {title} {found.label}" if rows else f"no rows that {title} {found.label}"
        for row in rows:
            text = shorten(" ".join(row.text.split()), SHOWN_CHARACTERS)
            yield f"  {row.similarity:.2f}  {', '.join(row.labels) or 'no label'}  {text}"


def describe_nearest(found: NearestExamples) -> str:
    """Return a description of the figures."""
    return (
        f"similarity: cosine of {found.features}, over {pluralise(found.rows, 'row')}; rows with the predicted label "
        "support it. This indicates influence, it does not measure it."
    )


def _normalise(features: Any) -> Any:
    """Return the rows with length 1; rows of zeros stay."""
    if issparse(features):
        lengths = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
        return csr_matrix(features.multiply(1 / np.where(lengths > 0, lengths, 1.0)[:, None]))
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(lengths > 0, lengths, 1.0)
