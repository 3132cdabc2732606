"""English and Chinese stop words, without those that negate, intensify or express a feeling."""

from __future__ import annotations

import functools

import stopwordsiso

from insula.text.protected_words import PROTECTED
from insula.text.scripts import contains_han

_NEGATIVE_CHARACTERS = frozenset("不没未无非莫勿毋甭别否")
_PUNCTUATION = '.,!?;:"()[]{}…。，！？；：、“”‘’（）《》【】~～'


@functools.cache
def get_stop_words(language: str) -> frozenset[str]:
    """Return the words that `remove_stop_words` removes in `en` or `zh`; none for any other language.

    These are the lists of stopwords-iso (github.com/stopwords-iso) without `PROTECTED`, words that contain a negation
    (`couldn't`, 无论), marks and digits.
    """
    if language not in ("en", "zh"):
        return frozenset()
    published = {_fold(word) for word in stopwordsiso.stopwords(language)}
    return frozenset(word for word in published if any(map(str.isalpha, word)) and not is_protected(word))


def is_protected(word: str) -> bool:
    """Return whether a word is a negation, an intensifier, a contrast or an emotion word, in either language."""
    word = _fold(word)
    return word in PROTECTED or word.endswith("n't") or not _NEGATIVE_CHARACTERS.isdisjoint(word)


def remove_stop_words(text: str, language: str | None = None) -> str:
    """Return the words of a text, separated by one space, without stop words; punctuation stays.

    Words are separated by white space, so Chinese must be segmented first. The script of each word selects the list,
    since people mix English and Chinese. A `language` other than `en`, `zh` or None leaves the text as it is.
    """
    if language not in (None, "en", "zh"):
        return text
    kept = (_drop_stop_word(word) for word in text.split())
    return " ".join(word for word in kept if word)


def is_stop_word(word: str) -> bool:
    """Return whether `remove_stop_words` removes a word; its script selects the language."""
    folded = _fold(word)
    return folded in _get_stop_words(folded)


def _drop_stop_word(word: str) -> str:
    if is_stop_word(word):
        return ""
    folded = _fold(word)
    core = folded.strip(_PUNCTUATION)
    if core == folded or core not in _get_stop_words(core):
        return word
    # "the," becomes "," and "what?!" becomes "?!": the marks carry more meaning than the word.
    return "".join(character for character in word if character in _PUNCTUATION)


def _get_stop_words(word: str) -> frozenset[str]:
    return get_stop_words("zh" if contains_han(word) else "en")


def _fold(word: str) -> str:
    return word.lower().replace("’", "'")
