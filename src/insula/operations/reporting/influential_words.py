"""`summarise_polarity`: influential words and quotes for labels, from explanations of messages with high scores."""

from __future__ import annotations

import functools
import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from insula.core.errors import DataError
from insula.core.sentences import shorten
from insula.explanation.explain import explain_input
from insula.explanation.explanation import Explanation
from insula.inference.predictor import Predictor
from insula.operations.reporting.report import InfluentialWord, PolaritySummary, Quote
from insula.safety.kinds import TOKEN
from insula.safety.mask import mask
from insula.text.stopwords import is_stop_word

Explain = Callable[[str, str], Explanation]
"""`(text, label)` to the explanation of the label; raises `DataError` for a text without words."""

EXPLAINED = 40  # messages of a side
WORDS = 10
QUOTES = 3
QUOTE_CHARACTERS = 280
FAINT = 0.1  # of the strongest word; weaker ones are left out
MIN_WORDS = 3  # of a quote: a cry says little


@dataclass(order=True, frozen=True)
class Candidate:
    """A message that may be explained. Sure predictions come first, then the order is by score and position."""

    is_sure: bool
    score: float
    order: int
    text: str = field(compare=False)
    label: str = field(compare=False)
    time: datetime | None = field(compare=False, default=None)


class Candidates:
    """The best candidates for each group and label, in bounded memory."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], list[Candidate]] = {}

    def add(self, group: str, one: Candidate) -> None:
        """Keep a message if it is among the best ones."""
        kept = self._kept.setdefault((group, one.label), [])
        if len(kept) < EXPLAINED:
            heapq.heappush(kept, one)
        else:
            heapq.heappushpop(kept, one)

    def choose(self, group: str, labels: Iterable[str]) -> list[Candidate]:
        """Return different messages of a group with one of the labels, the best ones first."""
        found = sorted((one for label in labels for one in self._kept.get((group, label), ())), reverse=True)
        return list({one.text: one for one in reversed(found)}.values())[::-1][:EXPLAINED]


def build_explainer(predictor: Predictor) -> Explain:
    """Return a function that explains a label of a text once: a message is in its group and in the whole."""

    @functools.cache
    def explain(text: str, label: str) -> Explanation:
        return explain_input(predictor, text, labels=(label,), with_faithfulness=False)

    return explain


def summarise_polarity(explain: Explain, name: str, messages: int, candidates: Sequence[Candidate]) -> PolaritySummary:
    """Return the words behind the labels of some messages, and quotes."""
    seen: dict[str, list[float]] = defaultdict(list)
    quotes: list[Quote] = []
    explained = 0
    for one in candidates:
        text = shorten(mask(one.text).text, QUOTE_CHARACTERS)
        try:
            found = explain(text, one.label)
        except DataError:  # a text without words, such as a row of emojis
            continue
        explained += 1
        weights = found.weights[one.label]
        if len(quotes) < QUOTES and len(found.words) >= MIN_WORDS:
            spans = [(word.start, word.end) for word in found.words]
            quotes.append(Quote(text, one.label, one.score, one.is_sure, one.time, spans, weights))
        masked = [match.span() for match in TOKEN.finditer(text)]
        for word, weight in zip(found.words, weights, strict=True):
            inside = any(start < word.end and word.start < end for start, end in masked)
            key = word.text.casefold()
            if weight > 0 and not inside and any(map(str.isalpha, key)) and not is_stop_word(key):
                seen[key].append(weight)
    ranked = sorted(seen, key=lambda word: (-sum(seen[word]), word))[:WORDS]
    ranked = [word for word in ranked if sum(seen[word]) >= FAINT * sum(seen[ranked[0]])]
    words = [InfluentialWord(word, len(seen[word]), sum(seen[word]) / len(seen[word])) for word in ranked]
    return PolaritySummary(name, messages, explained, words, quotes)
