"""Black-box search for changed texts on which a model decides differently.

As in DeepWordBug (Gao et al. 2018) and TextFooler (Jin et al. 2020): the words of a text are ranked by how much the
confidence falls without them; from the most important word on, the best of its candidates replaces it, until the
decision changes. Only scores are used, no gradients. The texts of many rows are predicted together.
"""

from __future__ import annotations

import dataclasses
import random
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from insula.augmentation.words import join_words
from insula.core.arrays import BoolArray, FloatArray
from insula.core.decision import compute_confidence
from insula.core.errors import DataError
from insula.core.model_input import ModelInput
from insula.core.progress import Progress, Silent
from insula.inference.predictor import Predictor
from insula.text.word_spans import find_word_spans

ROWS_PER_BATCH = 64
"""Rows whose searches run together; their texts share batches."""


@dataclass(frozen=True)
class AttackLimits:
    """Limits of an attack on a row.

    queries  largest number of different texts to predict, the original included
    share    largest share of the words to change; at least one may change

    Raises `DataError` for limits out of range.
    """

    queries: int = 500
    share: float = 0.3

    def __post_init__(self) -> None:
        if self.queries < 2:
            raise DataError(
                f"The number of queries for each row must be at least 2. Got {self.queries}. Use a larger number."
            )
        if not 0 < self.share <= 1:
            raise DataError(
                f"The share of words to change must be above 0 and at most 1. Got {self.share}. Use a share such as "
                "0.3."
            )


DEFAULT = AttackLimits()


@dataclass(frozen=True)
class AttackOutcome:
    """The result of attacking a row that the model predicts correctly.

    row         the row, from 0
    text        the original text
    changed     the last text of the search; that of a success changes the decision
    before, after   (labels,) the decisions
    confidence  (2,) the confidence in the original decision, before and after
    words       number of words, without punctuation and emoji
    edits       number of changed words
    queries     number of predicted texts
    rejected    number of texts that change the decision and were rejected for their meaning
    """

    row: int
    text: str
    changed: str
    before: BoolArray
    after: BoolArray
    confidence: tuple[float, float]
    words: int
    edits: int
    queries: int
    rejected: int = 0

    @property
    def is_success(self) -> bool:
        """Whether the decision changed."""
        return not np.array_equal(self.before, self.after)


@dataclass(frozen=True)
class SplitText:
    """A text as words and the pieces around them: one more piece than words."""

    words: tuple[str, ...]
    gaps: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> SplitText:
        """Split a text."""
        spans = find_word_spans(text)
        borders = [0, *(border for span in spans for border in span), len(text)]
        gaps = tuple(text[first:last] for first, last in zip(borders[::2], borders[1::2], strict=True))
        return cls(tuple(text[first:last] for first, last in spans), gaps)

    def replaced(self, place: int, word: str) -> SplitText:
        """Return the sentence with another word at a position."""
        return dataclasses.replace(self, words=(*self.words[:place], word, *self.words[place + 1 :]))

    def count_words(self) -> int:
        """Return the number of words that have a letter or a digit."""
        return sum(any(map(str.isalnum, word)) for word in self.words)

    def __str__(self) -> str:
        return join_words(self.words, self.gaps)


Candidates = Callable[[SplitText, int, random.Random], Iterable[str]]
"""Returns words that may replace the word at a place of a sentence; none if it must stay."""


@dataclass(frozen=True)
class _TextPrediction:
    """The prediction of a text: (labels,) scores and decision."""

    scores: FloatArray
    chosen: BoolArray


Guard = Callable[[str, str], bool]
"""Returns whether a changed text means the same as the original."""


class _SearchResult(NamedTuple):
    """The result of a search: the changed text, its number of changed words, and the number of rejected texts."""

    text: str
    edits: int
    rejected: int


_Search = Generator[list[str], list[_TextPrediction | None], _SearchResult]
"""Yields texts to predict, receives an answer for each (None: no queries left), and returns what it found."""


@dataclass
class _Row:
    """A row under attack."""

    number: int
    given: ModelInput
    search: _Search
    wanted: list[str]
    known: dict[str, _TextPrediction]
    result: _SearchResult | None = None
    waiting: list[str] = field(default_factory=list)

    def choose_new(self, limit: int) -> list[str]:
        """Return the wanted texts that are not known, within the limit of queries."""
        new = [text for text in dict.fromkeys(self.wanted) if text not in self.known]
        self.waiting = new[: max(0, limit - len(self.known))]
        return self.waiting

    def proceed(self) -> None:
        """Send the answers to the search."""
        try:
            self.wanted = self.search.send([self.known.get(text) for text in self.wanted])
        except StopIteration as stop:
            self.result = stop.value


def attack_rows(
    predictor: Predictor,
    rows: Sequence[tuple[int, ModelInput]],
    candidates: Candidates,
    *,
    limits: AttackLimits = DEFAULT,
    guard: Guard | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Iterator[AttackOutcome]:
    """Attack inputs of a categorical model and yield an outcome for each, in the order in which they finish.

    rows   number and input of each row; the decision of the model is what the attack changes
    guard  is asked about texts that change the decision only; those that it rejects are not used

    The same model, rows, candidates and seed give the same outcomes.
    """
    progress = progress or Silent()
    kind = predictor.scheme.kind
    first = _predict(predictor, [given for _, given in rows])
    queue: deque[_Row] = deque()
    for (number, given), answer in zip(rows, first, strict=True):
        confidence = _Confidence(kind, answer.chosen)
        chance = random.Random(f"{seed} {number}")
        search = _search(SplitText.of(given.text), confidence, answer, candidates, limits, guard, chance)
        row = _Row(number, given, search, [], {given.text: answer})
        queue.append(row)
    progress.start("attack", total=len(rows))
    active: list[_Row] = []
    while queue or active:
        while queue and len(active) < ROWS_PER_BATCH:
            row = queue.popleft()
            active.append(row)
            try:
                row.wanted = next(row.search)
            except StopIteration as stop:
                row.result = stop.value
        asked = [(row, text) for row in active if row.result is None for text in row.choose_new(limits.queries)]
        answers = _predict(predictor, [dataclasses.replace(row.given, text=text) for row, text in asked])
        for (row, text), answer in zip(asked, answers, strict=True):
            row.known[text] = answer
        for row in active:
            if row.result is None:
                row.proceed()
        for row in active:
            if row.result is not None:
                progress.advance(1)
                yield _to_outcome(row, kind)
        active = [row for row in active if row.result is None]
    progress.finish()


def _predict(predictor: Predictor, inputs: Sequence[ModelInput]) -> list[_TextPrediction]:
    if not inputs:
        return []
    decisions = predictor.decide(inputs)
    return [_TextPrediction(scores, chosen) for scores, chosen in zip(decisions.scores, decisions.chosen, strict=True)]


class _Confidence:
    """The probability that a model assigns to a given decision."""

    def __init__(self, kind: str, chosen: BoolArray) -> None:
        self.kind, self.chosen = kind, chosen

    def __call__(self, answer: _TextPrediction) -> float:
        return float(compute_confidence(self.kind, answer.scores[None], self.chosen[None])[0])  # type: ignore[arg-type]

    def is_changed(self, answer: _TextPrediction) -> bool:
        return not np.array_equal(answer.chosen, self.chosen)


def _search(
    sentence: SplitText,
    confidence: _Confidence,
    first: _TextPrediction,
    candidates: Candidates,
    limits: AttackLimits,
    guard: Guard | None,
    chance: random.Random,
) -> _Search:
    options = {place: list(candidates(sentence, place, chance)) for place in range(len(sentence.words))}
    places = [place for place, words in options.items() if words]
    if len(places) > limits.queries // 2:  # half of the queries are for candidates
        places = sorted(chance.sample(places, limits.queries // 2))
    order = yield from _rank(sentence, places, confidence)
    most = max(1, int(limits.share * sentence.count_words()))
    current, lowest, edits, rejected = sentence, confidence(first), 0, 0
    for place in order:
        if edits == most:
            break
        tried = [current.replaced(place, word) for word in options[place]]
        answers = yield [str(one) for one in tried]
        found = [(one, answer) for one, answer in zip(tried, answers, strict=True) if answer is not None]
        if not found:
            break
        # A change of the decision counts first, then the fall of the confidence.
        for best, answer in sorted(found, key=lambda pair: (not confidence.is_changed(pair[1]), confidence(pair[1]))):
            if confidence.is_changed(answer):
                if guard is None or guard(str(sentence), str(best)):
                    return _SearchResult(str(best), edits + 1, rejected)
                rejected += 1
                continue
            if confidence(answer) < lowest:
                current, lowest, edits = best, confidence(answer), edits + 1
            break
    return _SearchResult(str(current), edits, rejected)


def _rank(
    sentence: SplitText, places: Sequence[int], confidence: _Confidence
) -> Generator[list[str], list[_TextPrediction | None], list[int]]:
    """Return the positions of the words, sorted by the confidence without each, lowest first."""
    if len(places) < 2:
        return list(places)
    answers = yield [str(sentence.replaced(place, "")) for place in places]
    known = [(confidence(answer), place) for place, answer in zip(places, answers, strict=True) if answer is not None]
    return [place for _, place in sorted(known)]


def _to_outcome(row: _Row, kind: str) -> AttackOutcome:
    changed, edits, rejected = row.result or _SearchResult(row.given.text, 0, 0)
    before, after = row.known[row.given.text], row.known[changed]
    confidence = _Confidence(kind, before.chosen)
    return AttackOutcome(
        row=row.number, text=row.given.text, changed=changed, before=before.chosen, after=after.chosen,
        confidence=(confidence(before), confidence(after)), words=SplitText.of(row.given.text).count_words(),
        edits=edits, queries=len(row.known), rejected=rejected,
    )  # fmt: skip
