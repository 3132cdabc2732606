"""`misspellings`: errors in many words of a text, of the kinds that the attack on characters searches.

English as in DeepWordBug (Gao et al. 2018): two letters swapped, one deleted, doubled, or replaced by a neighbouring
key; first and last letter stay. Chinese: a character of the same or an easily confused syllable, or a character split
into its two halves (好 becomes 女子).

`keyboard` and `homophone` make the few errors of a careless writer. This augmenter changes up to half of the words,
more than an attack may: random errors often miss the words that matter. Short English words and Chinese negations stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.augmentation.noise import MIN_LETTERS, NEIGHBOURS
from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.augmentation.words import find_untranslated, join_words
from insula.text.scripts import HAN
from insula.text.sounds import HALVES
from insula.text.word_spans import find_word_spans

SHARE = 0.5
"""Largest share of the words to change; at least one word changes."""
_LATIN = re.compile(rf"[A-Za-z]{{{MIN_LETTERS},40}}")  # longer strings are no words, and have thousands of errors
_CHINESE = re.compile(f"[{HAN}]+")


def misspell(text: str, context: AugmentationContext) -> str | None:
    """Misspell some words of a text; each number up to the largest is equally likely."""
    kept = find_untranslated(text)
    spans = [
        span for span in find_word_spans(text) if not any(first < span[1] and span[0] < last for first, last in kept)
    ]
    words = [text[first:last] for first, last in spans]
    borders = [0, *(border for span in spans for border in span), len(text)]
    gaps = [text[first:last] for first, last in zip(borders[::2], borders[1::2], strict=True)]
    places = [place for place, word in enumerate(words) if any(map(str.isalnum, word))]
    count = context.random.randint(1, max(1, int(SHARE * len(places))))
    changed = list(words)
    for place in context.random.sample(places, len(places)):
        if count and (found := find_misspellings(words[place])):
            changed[place] = context.random.choice(found)
            count -= 1
    return join_words(changed, gaps) if changed != words else None


def find_misspellings(word: str) -> tuple[str, ...]:
    """Return words that differ by one error from a word; none for short, mixed and protected words."""
    if _LATIN.fullmatch(word):
        return tuple(dict.fromkeys(_iterate_typos(word)))
    if _CHINESE.fullmatch(word):
        return tuple(dict.fromkeys(_iterate_chinese_typos(word)))
    return ()


def _iterate_typos(word: str) -> Iterator[str]:
    for at in range(1, len(word) - 1):
        letter = word[at]
        if at < len(word) - 2 and letter != word[at + 1]:
            yield word[:at] + word[at + 1] + letter + word[at + 2 :]
        yield word[:at] + word[at + 1 :]
        yield word[:at] + letter + word[at:]
        for near in NEIGHBOURS[letter.lower()]:
            yield word[:at] + (near.upper() if letter.isupper() else near) + word[at + 1 :]


def _iterate_chinese_typos(word: str) -> Iterator[str]:
    from insula.augmentation.pinyin_edits import find_homophones, find_near_homophones  # the extra is for Chinese only

    for at, character in enumerate(word):
        if character in HALVES:
            yield word[:at] + HALVES[character] + word[at + 1 :]
        for other in find_homophones(character) + find_near_homophones(character):
            yield word[:at] + other + word[at + 1 :]


MISSPELLINGS = Augmenter(misspell)
