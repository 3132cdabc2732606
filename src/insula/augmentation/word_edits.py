"""`swap` and `delete`: the random edits of EDA (Wei and Zou 2019) that need no dictionary.

Unlike in EDA, words that negate, intensify, contrast or express a feeling (`text.protected_words`) stay in their place,
so that the label stays true.
"""

from __future__ import annotations

from insula.augmentation.registry import Augmenter, Situation
from insula.augmentation.words import join_words, split_words
from insula.text.protected_words import PROTECTED

SHARE = 0.1
"""The share of words that are edited, at least one; alpha in the paper."""
_CHINESE_NEGATIONS = frozenset("不没無无未非别莫勿")
MIN_WORDS = 4
"""Shorter texts are not edited: a single word may carry their meaning."""


def swap_words(text: str, situation: Situation) -> str | None:
    """Swap the places of two words, several times in long texts."""
    words, gaps = split_words(text, situation.language)
    free = _find_unprotected(words)
    if len(words) < MIN_WORDS or len(free) < 2:
        return None
    for _ in range(max(1, round(SHARE * len(words)))):
        first, second = situation.random.sample(free, 2)
        words[first], words[second] = words[second], words[first]
    return join_words(words, gaps)


def delete_words(text: str, situation: Situation) -> str | None:
    """Delete words, with the space after them."""
    words, gaps = split_words(text, situation.language)
    free = _find_unprotected(words)
    if len(words) < MIN_WORDS or not free:
        return None
    count = min(len(free), max(1, round(SHARE * len(words))))
    for place in sorted(situation.random.sample(free, count), reverse=True):
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
    return low in PROTECTED or low.endswith(("n't", "n’t")) or not _CHINESE_NEGATIONS.isdisjoint(low)


SWAP = Augmenter(swap_words)
DELETE = Augmenter(delete_words)
