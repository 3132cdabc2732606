"""Writing systems: which characters are Chinese, and the language that follows from them."""

from __future__ import annotations

import re

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Chinese characters, for use inside a character class of a regular expression."""

_HAN = re.compile(f"[{HAN}]")


def contains_han(text: str) -> bool:
    """Return whether the text has at least one Chinese character."""
    return not text.isascii() and _HAN.search(text) is not None


def detect_language_by_script(text: str, language: str | None = None) -> str:
    """Return `language` if given, else `zh` for a text with a Chinese character and `en` for any other.

    Fast and sufficient for text steps; `language.detect_language` distinguishes more languages.
    """
    if language is not None:
        return language
    return "zh" if contains_han(text) else "en"
