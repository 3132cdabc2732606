"""Chinese word segmentation: spaces between Chinese words."""

from __future__ import annotations

import re

import rjieba

from insula.text.scripts import HAN, contains_han

# A bracket emoticon of Weibo, [给你小心心], is one word.
_PIECE = re.compile(rf"\[[{HAN}A-Za-z]{{1,8}}\]|[{HAN}]+")
_CHINESE = re.compile(rf"(?:{_PIECE.pattern})+")


def segment_chinese(text: str, language: str | None = None) -> str:
    """Return the text with Chinese words separated by spaces; other text is unchanged.

    The words are those of jieba (dictionary and hidden Markov model). Japanese (`language="ja"`) is not segmented.
    """
    if language == "ja" or not contains_han(text):
        return text
    return _CHINESE.sub(_segment_run, text)


def split_chinese_words(run: str) -> list[str]:
    """Return the words of a run of Chinese characters; joined they are the run."""
    words: list[str] = rjieba.cut(run)
    return words


def _segment_run(match: re.Match[str]) -> str:
    words: list[str] = []
    for piece in _PIECE.findall(match.group()):
        words += [piece] if piece[0] == "[" else split_chinese_words(piece)
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return f"{_choose_gap(before)}{' '.join(words)}{_choose_gap(after)}"


def _choose_gap(neighbour: str) -> str:
    return " " if neighbour and not neighbour.isspace() else ""
