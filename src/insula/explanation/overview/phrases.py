"""`Phrases`: runs of two and three words that occur in several texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from insula.explanation.explanation import Word
from insula.explanation.overview.weights import MIN_TEXTS
from insula.safety.kinds import TOKEN
from insula.text.stopwords import is_stop_word

SIZES = (2, 3)
_PUNCTUATION = ".,;:-–—_'\"()[]/·、，。；：“”‘’（）《》【】…"
MAX_PHRASES_PER_TEXT = 20  # phrases of one text whose weights are computed


@dataclass(frozen=True)
class Phrase:
    """Words `first` to `last` (exclusive) of a text.

    key    the phrase as it is counted
    parts  its words as they are counted
    """

    key: str
    parts: tuple[str, ...]
    first: int
    last: int


class Phrases:
    """The phrases of a list of texts: of words that follow each other, not only stop words, in `MIN_TEXTS` texts."""

    def __init__(self, texts: Sequence[tuple[str, Sequence[Word]]]) -> None:
        counts: Counter[str] = Counter()
        for text, words in texts:
            counts.update({one.key for one in _iterate_phrases(text, words)})
        self._counts = {key: count for key, count in counts.items() if count >= MIN_TEXTS}

    def find(self, text: str, words: Sequence[Word]) -> list[Phrase]:
        """Return the phrases of one text, at most `MAX_PHRASES_PER_TEXT`, the most frequent first."""
        found = [one for one in _iterate_phrases(text, words) if one.key in self._counts]
        return sorted(found, key=lambda one: -self._counts[one.key])[:MAX_PHRASES_PER_TEXT]


def make_key(text: str, start: int, end: int) -> str:
    """Return the normal form in which a word or phrase is counted: lower case, with single blanks."""
    return " ".join(text[start:end].casefold().split())


def is_counted(text: str, words: Sequence[Word]) -> list[bool]:
    """Return for each word whether it is counted: it has a letter, or is a sign other than plain punctuation, and it
    is no token of masked data."""
    tokens = [match.span() for match in TOKEN.finditer(text)]
    return [
        not any(start < word.end and word.start < end for start, end in tokens)
        and (any(map(str.isalpha, word.text)) or _is_emoji_or_mark(word.text))
        for word in words
    ]


def _is_emoji_or_mark(word: str) -> bool:
    """Return whether it is a sign such as an emoji, ":)" or "!!"."""
    return not any(map(str.isdigit, word)) and not (len(set(word)) == 1 and word[0] in _PUNCTUATION)


def _iterate_phrases(text: str, words: Sequence[Word]) -> Iterator[Phrase]:
    counted = [
        is_used and any(map(str.isalpha, word.text))
        for is_used, word in zip(is_counted(text, words), words, strict=True)
    ]
    content = [not is_stop_word(word.text.casefold()) for word in words]
    for size in SIZES:
        for first in range(len(words) - size + 1):
            last = first + size
            joined = all(
                not text[one.end : other.start].strip()
                for one, other in zip(words[first : last - 1], words[first + 1 : last], strict=True)
            )
            if joined and all(counted[first:last]) and any(content[first:last]):
                parts = tuple(make_key(text, word.start, word.end) for word in words[first:last])
                yield Phrase(make_key(text, words[first].start, words[last - 1].end), parts, first, last)
