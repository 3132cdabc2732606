"""Splits a text into words and the pieces between them, or off its ends, so that edited words can be joined again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from insula.text.emojis import find_emoji
from insula.text.scripts import HAN
from insula.text.segment import segment_chinese

_ENGLISH = re.compile(r"(\w+(?:['’]\w+)*)")
_CHINESE = re.compile(f"([{HAN}]+|[A-Za-z0-9]+)")
_ATOM = re.compile(r"https?://\S+|www\.\S+|[@#]\w[\w'’-]*#?|\[[^\[\]\s][^\[\]]{0,30}\]")


def split_words(text: str, language: str) -> tuple[list[str], list[str]]:
    """Return the words of a text and the pieces around them: one more piece than words.

    Chinese words are those of jieba. Joining pieces and words alternately gives the text.
    """
    parts = (_CHINESE if language == "zh" else _ENGLISH).split(text)
    words, gaps = parts[1::2], parts[0::2]
    if language != "zh":
        return words, gaps
    split: list[str] = []
    between = [gaps[0]]
    for run, gap in zip(words, gaps[1:], strict=True):
        pieces = [run] if run.isascii() else segment_chinese(run).split()
        split += pieces
        between += [""] * (len(pieces) - 1) + [gap]
    return split, between


def join_words(words: Sequence[str], gaps: Sequence[str]) -> str:
    """Join words and the pieces around them into a text."""
    return gaps[0] + "".join(word + gap for word, gap in zip(words, gaps[1:], strict=True))


def split_edges(line: str) -> tuple[str, str, str]:
    """Split a line into the part before its words, the words, and the part after them."""
    spans = find_untranslated(line)
    ends, starts = dict(spans), {end: start for start, end in spans}
    first, last = 0, len(line)
    while first < last and (line[first].isspace() or first in ends):
        first = ends.get(first, first + 1)
    while last > first and (line[last - 1].isspace() or last in starts):
        last = starts.get(last, last - 1)
    return line[:first], line[first:last], line[last:]


def find_untranslated(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of emoji, emoticons, links, tags, user names and placeholders."""
    return sorted({*find_emoji(text), *(match.span() for match in _ATOM.finditer(text))})
