"""`MaskedPredictor`: the predictions of a model for one text with some of its words left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.arrays import BoolArray, Float64Array
from insula.core.errors import DataError
from insula.core.model_input import ModelInput, TextOrInput, get_text
from insula.core.scheme import LabelScheme
from insula.explanation.explanation import Word
from insula.inference.backends import AdditiveBackend
from insula.inference.predictor import Predictor
from insula.models.networks.contributions import Contributions
from insula.text.word_spans import find_word_spans

MAX_WORDS = 200  # a longer text is explained by runs of neighbouring words
PORTION = 16  # variants between two pauses


class MaskedPredictor:
    """The predictions for one text with some of its words left out; every variant is computed once.

    words     the words, or in a long text runs of neighbouring words; weights are for these, in this order. The caller
              may give others, in the order of the text
    seed      for explainers that sample
    wanted    the columns to explain, if each costs time; None for all
    pause     called before each few variants, such as to yield to other work; it may raise
    """

    def __init__(
        self,
        predictor: Predictor,
        given: TextOrInput,
        *,
        words: Sequence[Word] | None = None,
        seed: int = 0,
        wanted: Sequence[int] | None = None,
        pause: Callable[[], None] | None = None,
    ) -> None:
        self.predictor = predictor
        self.given = given
        self.seed = seed
        self.wanted = wanted
        self._pause = pause
        self.text = get_text(given)
        spans = find_word_spans(self.text)
        if not spans:
            raise DataError(
                "The text must have at least one word to explain. Got only white space. Explain another text."
            )
        self.words = tuple(words or join_neighbours(self.text, spans, MAX_WORDS))
        self._known: dict[bytes, Float64Array] = {}
        self._map, self._shift = build_evidence_map(predictor)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def evaluations(self) -> int:
        """The number of variants of the text that were computed so far."""
        return len(self._known)

    def logits(self, kept: BoolArray) -> Float64Array:
        """Return (rows, outputs) logits of the text with only the words that are True in (rows, words) `kept`."""
        keys = [np.packbits(row).tobytes() for row in kept]
        missing = {key: row for key, row in zip(keys, kept, strict=True) if key not in self._known}
        if missing:
            found = self._compute([self._build_variant(row) for row in missing.values()])
            self._known.update(zip(missing, found.astype(np.float64), strict=True))
        return np.stack([self._known[key] for key in keys])

    def evidence(self, kept: BoolArray) -> Float64Array:
        """Return (rows, labels) evidence for each label; of a multi-label model a last column for its decision."""
        logits = self.logits(kept)
        evidence: Float64Array = logits @ self._map + self._shift
        decided = self.decided
        if decided is None:
            return evidence
        signs = np.where(decided, 1.0, -1.0)
        return np.column_stack([evidence, -np.logaddexp(0.0, -signs * logits).sum(axis=1)])

    def scores(self, kept: BoolArray) -> Float64Array:
        """Return (rows, labels) calibrated scores, as predictions have them."""
        return self.predictor.decision.scores(self.predictor.scheme, self.logits(kept)).astype(np.float64)

    @cached_property
    def prepared(self) -> Any:
        """The text as the backend gets it: prepared, or a pair of text and context."""
        return self.predictor.prepared([self.given])[0]

    @cached_property
    def contributions(self) -> Contributions | None:
        """The exact contributions of pieces of the prepared text to the evidence; None if the model is not a sum."""
        backend = self.predictor.backend
        if not isinstance(backend, AdditiveBackend) or not isinstance(self.prepared, str):
            return None
        if "sounds" in self.predictor.preparation.steps:  # a word is in the prepared text twice
            return None
        found = backend.contributions(self.prepared)
        if found is None:
            return None
        return Contributions(found.spans, found.weights @ self._map, found.base @ self._map + self._shift)

    def join_words(self, count: int) -> MaskedPredictor:
        """Return the predictor for `count` runs of neighbouring words instead of single words."""
        runs = join_neighbours(self.text, [(word.start, word.end) for word in self.words], count)
        joined = MaskedPredictor(
            self.predictor, self.given, words=runs, seed=self.seed, wanted=self.wanted, pause=self._pause
        )
        joined._known[np.packbits(joined.keep_all()[0]).tobytes()] = self.logits(self.keep_all())[0]
        return joined

    def keep_all(self) -> BoolArray:
        """Return (1, words): the whole text."""
        return np.ones((1, len(self)), dtype=bool)

    @cached_property
    def decided(self) -> BoolArray | None:
        """(labels,) the decision on the whole text of a multi-label model; None for other kinds."""
        if self.predictor.scheme.kind != "multi":
            return None
        decisions = self.predictor.decision.decide(self.predictor.scheme, self.logits(self.keep_all()))
        chosen: BoolArray = decisions.chosen[0]
        return chosen

    def _compute(self, variants: list[TextOrInput]) -> NDArray[np.floating[Any]]:
        if self._pause is None:
            return self.predictor.logits(variants)
        found = []
        for start in range(0, len(variants), PORTION):
            self._pause()
            found.append(self.predictor.logits(variants[start : start + PORTION]))
        return np.concatenate(found)

    def _build_variant(self, kept: BoolArray) -> TextOrInput:
        text = keep_words(self.text, self.words, kept)
        return dataclasses.replace(self.given, text=text) if isinstance(self.given, ModelInput) else text


def join_neighbours(text: str, spans: Sequence[tuple[int, int]], count: int) -> list[Word]:
    """Return at most `count` words, or runs of neighbouring ones, with the spans of words in order."""
    runs = np.array_split(np.arange(len(spans)), min(len(spans), count))
    bounds = [(spans[run[0]][0], spans[run[-1]][1]) for run in runs]
    return [Word(text[start:end], start, end) for start, end in bounds]


def build_evidence_map(predictor: Predictor) -> tuple[Float64Array, Float64Array]:
    """Return (outputs, labels) and (labels,): evidence is `logits @ map + shift`.

    Evidence is the logit or, for mutually exclusive labels, the logit above the mean of all, since adding one number to
    all logits changes no score; for a dimension its calibrated value.
    """
    scheme: LabelScheme = predictor.scheme
    count = len(scheme.names)
    if scheme.kind == "binary":
        return np.array([[-1.0, 1.0]]), np.zeros(2)
    if scheme.kind == "dimensional":
        calibration = predictor.decision.calibration
        scale, bias = np.resize(calibration.scale, count), np.resize(calibration.bias, count)
        return np.diag(scale), bias
    if scheme.kind == "multi":
        return np.eye(count), np.zeros(count)
    return np.eye(count) - 1.0 / count, np.zeros(count)


def keep_words(text: str, words: tuple[Word, ...], kept: BoolArray) -> str:
    """Return the text with only the kept words; each brings the white space before it."""
    ends = [0, *(word.end for word in words[:-1])]
    pieces = [text[end : word.end] for end, word, keep in zip(ends, words, kept, strict=True) if keep]
    return "".join(pieces).strip()
