"""`find_word_spans`: where the words of a text are, as the text is written."""

from __future__ import annotations

import re

from insula.text.scripts import HAN
from insula.text.segment import split_chinese_words

# A word with its inner apostrophes and hyphens, a run of Chinese, or what is neither letter nor space ("!!", an emoji).
_PIECE = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+(?:['’\-][^\W_{HAN}]+)*|[^\w\s]+|_+")


def find_word_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of every word of `text`, in order; only white space is in none.

    Chinese is cut into words by jieba; punctuation and emoji are words of their own.
    """
    spans: list[tuple[int, int]] = []
    for match in _PIECE.finditer(text):
        start = match.start()
        if not re.match(f"[{HAN}]", match.group()):
            spans.append(match.span())
            continue
        for word in split_chinese_words(match.group()):
            spans.append((start, start + len(word)))
            start += len(word)
    return spans
