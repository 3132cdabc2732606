"""`align_words`: where the words or tokens of another tool are in a text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from insula.core.errors import DataError
from insula.explanation.explanation import Word

# Tokens that tokenizers add to a text, and marks that they put on parts of words.
_ADDED = frozenset("[CLS] [SEP] [PAD] <s> </s> <pad> <bos> <eos> <cls> <sep> <|endoftext|>".split())
_MARKS = ("##", "▁", "Ġ", "</w>")


@dataclass(frozen=True, slots=True)
class AlignedWords:
    """Words with their positions in the text, in order.

    kept    the words
    places  (words,) the place of each in the list that was given; tokens that a tokenizer adds are in none
    count   how many words were given
    """

    kept: tuple[Word, ...]
    places: tuple[int, ...]
    count: int


def align_words(text: str, words: Any) -> AlignedWords:
    """Return words with their positions.

    words  strings, looked for one behind the other, in any letter case and without the marks of sub-word tokens; or
           [start, end], or objects with `start` and `end`: characters of the text, `end` exclusive

    Raises `DataError` for a word that is not there, and for words that overlap.
    """
    if not isinstance(words, Sequence) or isinstance(words, str) or not words:
        raise DataError(
            f"The words must be a list of words or of their characters. Got {words!r}. Pass at least one word."
        )
    found: list[tuple[int, int, int]] = []
    end = 0
    for place, word in enumerate(words):
        span = _find_token(text, word, place, end) if isinstance(word, str) else _read_span(text, word, place)
        if span is not None:
            found.append((*span, place))
            end = span[1]
    found.sort()
    for (_, last, place), (first, _, other) in itertools.pairwise(found):
        if first < last:
            raise DataError(
                f"Words must not overlap. Word {place + 1} ends at character {last} and word {other + 1} starts at "
                f"{first}. Correct their characters."
            )
    if not found:
        raise DataError(
            "At least one word must be in the text. Got only tokens that a tokenizer adds. Pass the words of the text."
        )
    kept = tuple(Word(text[first:last], first, last) for first, last, _ in found)
    return AlignedWords(kept, tuple(place for _, _, place in found), len(words))


def _find_token(text: str, word: str, place: int, start: int) -> tuple[int, int] | None:
    """Return the position of a word or token after character `start`; None for one that a tokenizer adds."""
    bare = word
    for mark in _MARKS:
        bare = bare.removeprefix(mark).removesuffix(mark)
    bare = bare.strip()
    if not bare or (word in _ADDED and word not in text[start:]):
        return None
    lower = text.lower() if len(text.lower()) == len(text) else text
    following = len(text) - len(text[start:].lstrip())
    for wanted, where in ((word.strip(), text), (bare, text), (bare.lower(), lower)):
        if where.startswith(wanted, following):
            return following, following + len(wanted)
    for wanted, where in ((word.strip(), text), (bare, text), (bare.lower(), lower)):  # some words were left out
        whole = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)").search(where, start)
        first = where.find(wanted, start) if whole is None else whole.start()
        if first >= 0:
            return first, first + len(wanted)
    raise DataError(
        f"The word {word!r} (number {place + 1}) is not in the text after character {start}. Pass the words as they "
        "are written and in their order, or their characters as [start, end]."
    )


def _read_span(text: str, word: Any, place: int) -> tuple[int, int]:
    span = (word.get("start"), word.get("end")) if isinstance(word, Mapping) else word
    match span:
        case (int(first), int(last)) if 0 <= first < last <= len(text):
            pass
        case _:
            raise DataError(
                f"Word {place + 1} must be a string, [start, end], or an object with start and end: characters of the "
                f"text, which has {len(text)}. Got {word!r}. Correct that word."
            )
    if isinstance(word, Mapping) and word.get("text") not in (None, text[first:last]):
        raise DataError(
            f"Word {place + 1} must be characters {first} to {last} of the text, {text[first:last]!r}. Got "
            f"{word['text']!r}. Correct its characters."
        )
    return first, last
