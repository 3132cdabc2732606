"""`swap` and `delete`: the random edits of EDA (Wei and Zou 2019) that need no dictionary.

Unlike in EDA, only neighbouring words are swapped and only function words deleted, and words that negate, intensify or
contrast (`text.protected_words`) stay in their place, so that the label stays true.
"""

from __future__ import annotations

from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.augmentation.words import join_words, split_words
from insula.text.protected_words import CHINESE_NEGATIONS, PROTECTED
from insula.text.stopwords import get_stop_words

SHARE = 0.1
"""The share of words that are edited, at least one; alpha in the paper."""
_NEGATING_CHARACTERS = frozenset(CHINESE_NEGATIONS)
MIN_WORDS = 4
"""Shorter texts are not edited: a single word may carry their meaning."""


def swap_words(text: str, context: AugmentationContext) -> str | None:
    """Swap two neighbouring words, several times in long texts."""
    words, gaps = split_words(text, context.language)
    free = set(_find_unprotected(words))
    # Across punctuation, words would change their clause.
    pairs = [place for place in sorted(free) if place + 1 in free and not gaps[place + 1].strip()]
    if len(words) < MIN_WORDS or not pairs:
        return None
    for place in context.random.sample(pairs, min(len(pairs), max(1, round(SHARE * len(words))))):
        words[place], words[place + 1] = words[place + 1], words[place]
    return join_words(words, gaps)


def delete_words(text: str, context: AugmentationContext) -> str | None:
    """Delete function words, with the space after them."""
    words, gaps = split_words(text, context.language)
    function_words = get_stop_words(context.language)
    free = [place for place in _find_unprotected(words) if words[place].lower() in function_words]
    if len(words) < MIN_WORDS or not free:
        return None
    count = min(len(free), max(1, round(SHARE * len(words))))
    for place in sorted(context.random.sample(free, count), reverse=True):
        del words[place]
        before, after = gaps[place], gaps.pop(place + 1)
        gaps[place] = after if before.isspace() else before + after.lstrip(" ")
    return join_words(words, gaps).strip()


def _find_unprotected(words: list[str]) -> list[int]:
    return [place for place, word in enumerate(words) if not is_protected(word)]


def is_protected(word: str) -> bool:
    """Return whether a word negates, intensifies, contrasts or expresses a feeling."""
    low = word.lower()
    # A longer Chinese word may contain the negation: 再也不会.
    return low in PROTECTED or low.endswith(("n't", "n’t")) or not _NEGATING_CHARACTERS.isdisjoint(low)


SWAP = Augmenter(swap_words, is_soft=True)
DELETE = Augmenter(delete_words, is_soft=True)
