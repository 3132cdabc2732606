"""Writing systems: which characters are Chinese, and what that says about a text's language."""

from __future__ import annotations

import re

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Chinese characters, as the inside of a regular expression's character class."""

_HAN = re.compile(f"[{HAN}]")


def contains_han(text: str) -> bool:
    """Return True where the text has at least one Chinese character."""
    return not text.isascii() and _HAN.search(text) is not None


def language_by_script(text: str, language: str | None = None) -> str:
    """Return `language` where it is given, else `zh` for a text with a Chinese character and `en` for any other.

    This is all that a text step needs, and it costs nothing; `language.tell` says more.
    """
    if language is not None:
        return language
    return "zh" if contains_han(text) else "en"
