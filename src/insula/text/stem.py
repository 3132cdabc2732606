"""Stemming of English words: loving, loved and loves become `love`."""

from __future__ import annotations

import functools
import re
import threading

import snowballstemmer

# Whole words only: not the letters of @user, #tag or a2b, nor letters next to Chinese characters.
_WORD = re.compile(r"(?<![^\W_])(?<![@#_'’])[A-Za-z]+(?:['’][A-Za-z]+)*(?![^\W_])(?!_)")
_LANGUAGES = (None, "en", "zh")  # English words occur in Chinese texts too


class _ThreadLocalStemmer(threading.local):
    """One stemmer per thread: a stemmer is stateful."""

    def __init__(self) -> None:
        self.stemmer = snowballstemmer.stemmer("english")


_local = _ThreadLocalStemmer()


def stem_english(text: str, language: str | None = None) -> str:
    """Return the text with each English word replaced by its stem in lower case; Chinese and other text is unchanged.

    The stemmer is Snowball's English one ("Porter2", Porter 2001). A `language` other than `en`, `zh` or None leaves
    the text as it is. A stem is not always its own stem (`agreed`, `agre`, `agr`): stem once.
    """
    return _WORD.sub(_stem_match, text) if language in _LANGUAGES else text


def _stem_match(match: re.Match[str]) -> str:
    return _stem_word(match.group().lower().replace("’", "'"))


@functools.lru_cache(maxsize=65536)
def _stem_word(word: str) -> str:
    return str(_local.stemmer.stemWord(word))
