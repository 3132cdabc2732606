"""`spelling`: English words that are one error from a known word become the word.

A spelling corrector in front of a model is the defence against misspellings of Pruthi et al. (2019, ACL). The errors
are those of DeepWordBug (Gao et al. 2018): two letters swapped, one deleted, added or replaced, but not the first or
the last. `english_words.txt` (by `scripts/make_english_words.py`) has the whole words of BERT's English vocabulary
(Apache 2.0), frequent ones first. Known words with a regular ending stay, and words far from all others.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

MIN_LETTERS = 4
"""Shorter words are not the result of a correction."""
_ENDINGS = ("s", "es", "d", "ed", "r", "er", "st", "est", "ing", "ly", "y")
_WORD = re.compile(r"(?<![\w@#/.:])[A-Za-z]{3,40}(?![\w@/]|[.:]\w)")


def correct_spelling(text: str, language: str | None = None) -> str:
    """Return the text with misspelt English words corrected; words that are far from all known ones stay."""
    if language not in (None, "en"):
        return text
    return _WORD.sub(lambda match: _correct(match[0]), text)


@functools.lru_cache(maxsize=16384)
def _correct(word: str) -> str:
    known, index = _load_words()
    low = word.lower()
    if low in known or any(low.endswith(ending) and low[: -len(ending)] in known for ending in _ENDINGS):
        return word
    near = {other for variant in _iterate_shortened(low) for other in index.get(variant, ())}
    found = [other for other in near if other[0] == low[0] and other[-1] == low[-1] and is_one_error(other, low)]
    if not found:
        return word
    best = min(found, key=known.__getitem__)
    return best.capitalize() if word[0].isupper() else best


def is_one_error(word: str, other: str) -> bool:
    """Return whether two words differ by one letter added, deleted or replaced, or by two neighbours swapped."""
    if len(word) == len(other):
        places = [place for place, pair in enumerate(zip(word, other, strict=True)) if pair[0] != pair[1]]
        if len(places) != 2:
            return len(places) == 1
        first, second = places
        return second == first + 1 and word[first : second + 1] == other[first : second + 1][::-1]
    short, long = sorted((word, other), key=len)
    return len(long) == len(short) + 1 and any(long[:place] + long[place + 1 :] == short for place in range(len(long)))


def _iterate_shortened(word: str) -> Iterator[str]:
    """Yield a word, and the word without each of its inner letters: words one error apart share one of them."""
    yield word
    for place in range(1, len(word) - 1):
        yield word[:place] + word[place + 1 :]


@functools.cache
def _load_words() -> tuple[Mapping[str, int], Mapping[str, list[str]]]:
    """Return the rank of each known word, and the words to each of their shortened forms."""
    file = importlib.resources.files("insula.text.spelling") / "english_words.txt"
    words = file.read_text(encoding="utf-8").split()
    index: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        if len(word) >= MIN_LETTERS:
            for shortened in _iterate_shortened(word):
                index[shortened].append(word)
    return {word: rank for rank, word in enumerate(words)}, index
